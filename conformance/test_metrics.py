"""Metrics beside those of scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics as m

import neural_network as nn


def test_metrics_beside_those_of_scikit_learn() -> None:
    rng = np.random.default_rng(1)
    for _ in range(60):
        rows, k = int(rng.integers(5, 40)), int(rng.integers(2, 6))
        scores, labels = rng.normal(size=(rows, k)).round(1), rng.integers(0, k, rows)
        two, single = labels % 2, scores[:, 0]
        if 0 < two.sum() < rows:
            assert nn.auc(single, two) == pytest.approx(m.roc_auc_score(two, single))
        read = scores.argmax(axis=1)
        for average in ("macro", "micro", "weighted"):
            wanted = m.f1_score(labels, read, average=average, zero_division=0)
            assert nn.f1(scores, labels, average=average) == pytest.approx(wanted)
        if len(np.unique(labels)) == k > 2:
            shares = nn.softmax(scores)
            wanted = m.roc_auc_score(labels, shares, multi_class="ovr")
            assert nn.auc(scores, labels) == pytest.approx(wanted)
        targets = scores + rng.normal(size=scores.shape)
        assert nn.r2(scores, targets) == pytest.approx(m.r2_score(targets, scores))
        assert nn.mae(scores, targets) == pytest.approx(m.mean_absolute_error(targets, scores))
