"""What each public function of NumPy does with tensors; ``make api`` writes docs/numpy.md of it.

Names are text, because releases of NumPy have different ones; "linalg.inv" is
``numpy.linalg.inv``. Only literals stand here: the page is written without an import.
"""

from __future__ import annotations

# Functions with a rule.
DIFFERENTIABLE = """
abs absolute acos acosh add amax amin append arccos arccosh arcsin arcsinh arctan arctan2 arctanh
around array_split asin asinh astype atan atan2 atanh atleast_1d atleast_2d atleast_3d average
bincount block broadcast_arrays broadcast_to cbrt ceil choose clip column_stack compress concat
concatenate conj conjugate convolve copy copysign corrcoef correlate cos cosh cov cross cumprod
cumsum cumulative_prod cumulative_sum deg2rad degrees delete diag diagflat diagonal diff divide
divmod dot dsplit dstack ediff1d einsum exp exp2 expand_dims expm1 extract fabs fix flip fliplr
flipud float_power floor floor_divide fmax fmin fmod full_like gradient heaviside hsplit hstack
hypot inner insert interp kron ldexp linspace log log10 log1p log2 logaddexp logaddexp2 matmul
matrix_transpose matvec max maximum mean median meshgrid min minimum mod modf moveaxis multiply
nan_to_num nancumprod nancumsum nanmax nanmean nanmedian nanmin nanpercentile nanprod nanquantile
nanstd nansum nanvar negative outer pad partition percentile permute_dims polyval positive pow
power prod ptp quantile rad2deg radians ravel real real_if_close reciprocal remainder repeat
reshape resize rint roll rollaxis rot90 round select sign sin sinc sinh sort split sqrt square
squeeze stack std subtract sum swapaxes take take_along_axis tan tanh tensordot tile trace
transpose trapezoid tril triu true_divide trunc unstack unwrap vander var vdot vecdot vecmat
vsplit vstack where
linalg.cholesky linalg.cross linalg.det linalg.diagonal linalg.eigh linalg.eigvalsh linalg.inv
linalg.matmul linalg.matrix_norm linalg.matrix_power linalg.matrix_transpose linalg.multi_dot
linalg.norm linalg.outer linalg.pinv linalg.slogdet linalg.solve linalg.svd linalg.svdvals
linalg.tensordot linalg.tensorinv linalg.tensorsolve linalg.trace linalg.vecdot linalg.vector_norm
"""

# Decisions, places, shapes, types, text, and new arrays: they have no gradient.
RETURNS_ARRAYS = """
all allclose any arange argmax argmin argpartition argsort argwhere array2string array_equal
array_equiv array_repr array_str bartlett base_repr binary_repr bitwise_and bitwise_count
bitwise_invert bitwise_left_shift bitwise_not bitwise_or bitwise_right_shift bitwise_xor blackman
broadcast_shapes busday_count busday_offset can_cast common_type count_nonzero datetime_as_string
datetime_data diag_indices diag_indices_from digitize einsum_path empty empty_like equal eye
flatnonzero format_float_positional format_float_scientific from_dlpack frombuffer fromfile
fromfunction fromregex fromstring gcd genfromtxt get_include get_printoptions getbufsize geterr
geterrcall greater greater_equal hamming hanning identity indices info invert is_busday isclose
iscomplex iscomplexobj isdtype isfinite isfortran isin isinf isnan isnat isneginf isposinf isreal
isrealobj isscalar issubdtype iterable ix_ kaiser lcm left_shift less less_equal lexsort load
loadtxt logical_and logical_not logical_or logical_xor mask_indices may_share_memory
min_scalar_type mintypecode nanargmax nanargmin ndim nested_iters nonzero not_equal ones ones_like
packbits printoptions promote_types ravel_multi_index result_type right_shift searchsorted
set_printoptions setbufsize seterr seterrcall shape shares_memory show_config show_runtime signbit
size tri tril_indices tril_indices_from triu_indices triu_indices_from typename unpackbits
unravel_index zeros zeros_like
fft.fftfreq fft.rfftfreq
linalg.matrix_rank
"""

_TRANSFORM = "np.convolve, or conv2d of this library, for convolutions"
_CONVERSION = "np.stack to join tensors, or x.data where the gradient should end"
_IN_PLACE = "np.where, because it changes an array in place"
_BINS = "x.data: bins change in steps; weights: np.bincount(np.digitize(x.data, edges), weights)"
_SET = "x.data, or x[places] with the places of np.unique(x.data, return_index=True)"
_COEFFICIENTS = "p.data where the gradient should end"
_FILE = "x.data"

# Functions without a rule → what to use instead.
REFUSED = {
    "angle": "np.arctan2(0.0, x)",
    "apply_along_axis": "np.stack([f(row) for row in x])",
    "apply_over_axes": "an axis= with several axes, and keepdims=True",
    "array": _CONVERSION,
    "asanyarray": _CONVERSION,
    "asarray": _CONVERSION,
    "asarray_chkfinite": _CONVERSION,
    "ascontiguousarray": _CONVERSION,
    "asfortranarray": _CONVERSION,
    "asmatrix": _CONVERSION,
    "bmat": "np.block",
    "copyto": _IN_PLACE,
    "fft.fft": _TRANSFORM,
    "fft.fft2": _TRANSFORM,
    "fft.fftn": _TRANSFORM,
    "fft.fftshift": "np.roll(x, x.shape[axis] // 2, axis)",
    "fft.hfft": _TRANSFORM,
    "fft.ifft": _TRANSFORM,
    "fft.ifft2": _TRANSFORM,
    "fft.ifftn": _TRANSFORM,
    "fft.ifftshift": "np.roll(x, -(x.shape[axis] // 2), axis)",
    "fft.ihfft": _TRANSFORM,
    "fft.irfft": _TRANSFORM,
    "fft.irfft2": _TRANSFORM,
    "fft.irfftn": _TRANSFORM,
    "fft.rfft": _TRANSFORM,
    "fft.rfft2": _TRANSFORM,
    "fft.rfftn": _TRANSFORM,
    "fill_diagonal": _IN_PLACE,
    "frexp": "np.ldexp(x, -e) with e = np.frexp(x.data)[1]",
    "fromiter": "np.stack",
    "frompyfunc": "an op (neural_network.functional.op)",
    "full": "np.full_like(x, …) beside a tensor x, or np.broadcast_to(value, shape)",
    "geomspace": "np.exp(np.linspace(np.log(start), np.log(stop), num))",
    "histogram": _BINS,
    "histogram2d": _BINS,
    "histogram_bin_edges": _BINS,
    "histogramdd": _BINS,
    "i0": "an op (neural_network.functional.op)",
    "imag": "np.zeros_like(x): tensors are real",
    "intersect1d": _SET,
    "linalg.cond": "s[..., 0] / s[..., -1] with s = np.linalg.svdvals(x)",
    "linalg.eig": "np.linalg.eigh for symmetric matrices; others have complex eigenvalues",
    "linalg.eigvals": "np.linalg.eigvalsh for symmetric matrices; others have complex eigenvalues",
    "linalg.lstsq": "np.linalg.pinv(a) @ b",
    "linalg.qr": "r = np.linalg.cholesky(a.mT @ a).mT, whose diagonal is positive, and a @ inv(r)",
    "logspace": "base ** np.linspace(start, stop, num)",
    "nextafter": "x.data",
    "piecewise": "np.select, or np.where",
    "place": _IN_PLACE,
    "poly": "np.convolve of the factors",
    "polyadd": "a + b of equal length",
    "polyder": "p[:-1] * np.arange(len(p) - 1, 0, -1)",
    "polydiv": _COEFFICIENTS,
    "polyfit": "np.linalg.pinv(np.vander(x, degree + 1)) @ y",
    "polyint": "np.append(p / np.arange(len(p), 0, -1), 0.0)",
    "polymul": "np.convolve(a, b)",
    "polysub": "a - b of equal length",
    "put": _IN_PLACE,
    "put_along_axis": _IN_PLACE,
    "putmask": _IN_PLACE,
    "require": _CONVERSION,
    "roots": _COEFFICIENTS,
    "row_stack": "np.vstack",
    "save": _FILE,
    "savetxt": _FILE,
    "savez": _FILE,
    "savez_compressed": _FILE,
    "setdiff1d": _SET,
    "setxor1d": _SET,
    "sort_complex": "np.sort",
    "spacing": "x.data",
    "trim_zeros": "x[first:last] with places found in x.data",
    "union1d": _SET,
    "unique": _SET,
    "unique_all": _SET,
    "unique_counts": _SET,
    "unique_inverse": _SET,
    "unique_values": _SET,
}
