"""A grid search over the filters and the learning rate of a convolutional network.

    python examples/grid_search.py

It needs the extra ``sklearn``. Two processes train at a time, on one thread each.
"""

import numpy as np
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import MaxAbsScaler

import neural_network as nn
from neural_network.estimators import ConvNetClassifier


def main() -> None:
    """Search, and print the accuracy of each network."""
    images, labels = nn.load_mnist("train")
    X, y = images[:500].reshape(500, 784).astype(np.float32), labels[:500]
    pipeline = Pipeline(
        [
            ("scale", MaxAbsScaler()),
            (
                "network",
                ConvNetClassifier(
                    image_shape=(28, 28),
                    hidden_layer_sizes=(),
                    batch_size=50,
                    tol=0.05,
                    n_iter_no_change=2,
                    random_state=0,
                ),
            ),
        ]
    )
    grid = {"network__filters": [4, (8, 16)], "network__learning_rate": [0.001, 0.01]}
    search = GridSearchCV(pipeline, grid, cv=2, n_jobs=2).fit(X, y)
    results = search.cv_results_
    for settings, score in zip(results["params"], results["mean_test_score"], strict=True):
        filters, rate = settings["network__filters"], settings["network__learning_rate"]
        print(f"{score:.3f}  filters {filters}, learning rate {rate}")
    print(f"best: filters {search.best_params_['network__filters']}")
    others, their_labels = nn.load_mnist("test")
    rows = others[:500].reshape(500, 784).astype(np.float32)
    print(f"{search.score(rows, their_labels[:500]):.1%} of 500 other digits")


if __name__ == "__main__":
    main()
