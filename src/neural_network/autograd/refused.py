"""The methods of arrays that tensors do not have."""

# Methods of ndarray that change it in place, return its memory, or cannot be recorded → what to
# use instead.
REFUSED = {
    "fill": "t = np.full_like(t, value)",
    "itemset": "t[i] = value",
    "newbyteorder": "t.data.view",
    "ptp": "t.max() - t.min()",
    "partition": "np.partition(t, kth)",
    "put": "np.where",
    "resize": "np.resize(t, shape)",
    "sort": "np.sort(t)",
    "setfield": "np.where",
    "setflags": "t.data.setflags",
    "byteswap": "t.data.byteswap",
    "getfield": "t.data.getfield",
    "view": "t.reshape(shape), such as t.reshape(len(t), -1); or t.data.view for the bytes",
    "tostring": "t.data.tobytes",
    "tobytes": "t.data.tobytes",
    "tofile": "save_arrays",
    "dump": "save_arrays",
    "dumps": "save_arrays",
    "choose": "np.choose(t.data, …)",
    "imag": "np.zeros_like(t): tensors are real",
    "to_device": "t.data.to_device",
}
