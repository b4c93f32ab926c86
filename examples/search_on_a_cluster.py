"""A search over networks on two worker processes, as on a cluster of machines.

    python examples/search_on_a_cluster.py

It needs the extras ``dask`` and ``sklearn``. With a scheduler on another machine,
``Client("tcp://scheduler:8786")`` is the only line that changes.
"""

import joblib
from distributed import Client, LocalCluster
from sklearn.model_selection import GridSearchCV

import neural_network as nn
from neural_network.estimators import MLPClassifier


def main() -> None:
    """Search with Dask, and print each network's accuracy."""
    images, labels = nn.load_mnist("train")[:2]
    X, y = images[:600].reshape(600, -1) / 255, labels[:600]
    search = GridSearchCV(
        MLPClassifier(tol=0.02, random_state=0),
        {"hidden_layer_sizes": [(8,), (32,)], "learning_rate": [0.003, 0.01]},
        cv=3,
    )
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
        Client(cluster),
        joblib.parallel_config("dask", scatter=[X, y]),
    ):
        search.fit(X, y)
    for settings, score in zip(
        search.cv_results_["params"], search.cv_results_["mean_test_score"], strict=True
    ):
        print(f"{score:.3f}  {settings}")
    print(f"best: {search.best_params_}")


if __name__ == "__main__":
    main()
