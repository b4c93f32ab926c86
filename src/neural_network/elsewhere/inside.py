"""Names of other libraries that would be attributes of the packages inside; see ``names.py``."""

Rows = list[tuple[str, str, str]]

# fmt: off
# Of the packages inside, by their names.
INSIDE: dict[str, Rows] = {
    "interop": [
        ("load load_model import_model", "load of interop.onnx, load_weights of interop.torch and "
         "interop.keras", "nn.interop.onnx"),
        ("save export save_model", "save of interop.onnx, save_weights of interop.torch",
         "nn.interop.onnx"),
        ("pytorch safetensors huggingface", "torch, which reads and writes safetensors",
         "nn.interop.torch"),
        ("tensorflow tf h5", "keras", "nn.interop.keras"),
    ],
    "interop.torch": [
        ("load load_model load_state_dict load_file from_torch from_pretrained read",
         "load_weights(model, path or state_dict)",
         "nn.interop.torch.load_weights(model, nn.interop.torch.state_dict(model))"),
        ("save save_model save_file to_torch export write",
         "save_weights(model, path)", "nn.interop.torch.save_weights(model, path)"),
    ],
    "interop.keras": [
        ("load load_model from_keras read", "load_weights(model, path)",
         "nn.interop.keras.load_weights"),
        ("save save_model save_weights to_keras export write",
         "nothing: files of Keras are only read; nn.save for a model", "nn.save(model, path)"),
    ],
    "interop.onnx": [
        ("load_model from_onnx read import_model InferenceSession load_model_from_string",
         "load(path or bytes)", "nn.interop.onnx.load"),
        ("export save_model to_onnx write convert", "save(model, path)", "nn.interop.onnx.save"),
        ("checker check_model", "nothing: load and save check", "nn.interop.onnx.load"),
    ],
    "scale": [
        ("predict conv2d map_blocks", "functions of scale.dask", "nn.scale.dask.predict"),
        ("ray spark distributed mpi joblib", "scale.dask for arrays; searches on many machines are "
         "scikit-learn's, of the estimators", "nn.scale.dask"),
    ],
    "scale.dask": [
        ("fit train Trainer GridSearchCV", "joblib's parallel_config(\"dask\") around searches of "
         "the estimators (docs/dask.md)", "nn.estimators"),
        ("map_blocks map_overlap Client LocalCluster from_array array compute",
         "Dask's own: import dask.array, dask.distributed", "nn.scale.dask.predict"),
    ],
}
