"""Calls of scikit-learn under `array_api_dispatch=True`."""

from __future__ import annotations

from functools import partial

import numpy as np
import pullback as pb
import sklearn
from helpers.consumers import Table
from sklearn import covariance as cov
from sklearn import cross_decomposition as cd
from sklearn import decomposition, linear_model, metrics, mixture, pipeline, preprocessing
from sklearn import discriminant_analysis as da
from sklearn import kernel_approximation as ka
from sklearn import kernel_ridge as kr
from sklearn import naive_bayes as nb
from sklearn.metrics import pairwise
from sklearn.utils import extmath

TABLE = Table(
    "scikit-learn",
    names={
        "metrics": metrics,
        "pairwise": pairwise,
        "preprocessing": preprocessing,
        "decomposition": decomposition,
        "linear_model": linear_model,
        "mixture": mixture,
        "pipeline": pipeline,
        "kr": kr,
        "da": da,
        "ka": ka,
        "cd": cd,
        "cov": cov,
        "nb": nb,
        "extmath": extmath,
    },
    context=partial(sklearn.config_context, array_api_dispatch=True),
)

TABLE.works("preprocessing.StandardScaler().fit_transform(X)", X=TABLE.normal(6, 3))
TABLE.works("preprocessing.MinMaxScaler().fit_transform(X)", X=TABLE.normal(6, 3))
TABLE.works("preprocessing.MaxAbsScaler().fit_transform(X)", X=TABLE.normal(6, 3))
TABLE.works("preprocessing.Normalizer().fit_transform(X)", X=TABLE.normal(6, 3))
TABLE.works("preprocessing.normalize(X, norm='l1')", X=TABLE.normal(6, 3))
TABLE.works("preprocessing.KernelCenterer().fit_transform(X)", X=TABLE.normal(4, 4))
TABLE.works("preprocessing.PolynomialFeatures(2).fit_transform(X)", X=TABLE.normal(4, 2))
TABLE.works("preprocessing.minmax_scale(X)", X=TABLE.normal(6, 3))
TABLE.works("preprocessing.maxabs_scale(X)", X=TABLE.normal(6, 3))
TABLE.works("decomposition.PCA(2).fit(X).explained_variance_", X=TABLE.normal(8, 3))
TABLE.works("decomposition.PCA(2).fit_transform(X)", X=TABLE.normal(8, 3))
TABLE.works("decomposition.PCA(2, whiten=True).fit(X).transform(Y)", X=TABLE.normal(8, 3), Y=TABLE.normal(2, 3))
TABLE.works("decomposition.PCA(2, svd_solver='covariance_eigh').fit(X).components_", X=TABLE.normal(8, 3))
TABLE.works("decomposition.PCA(2).fit(X).score_samples(X)", X=TABLE.normal(8, 3))
TABLE.works("decomposition.PCA(2).fit(X).get_covariance()", X=TABLE.normal(8, 3))
TABLE.works(
    "decomposition.PCA(2, svd_solver='randomized', n_oversamples=1, random_state=0).fit_transform(X)",
    X=TABLE.normal(8, 3),
)
TABLE.works("decomposition.TruncatedSVD(2, n_oversamples=2).fit_transform(X)", X=TABLE.normal(8, 4))
TABLE.works("linear_model.Ridge(alpha=1.0, solver='svd').fit(X, y).coef_", X=TABLE.normal(8, 3), y=TABLE.normal(8))
TABLE.works(
    "linear_model.Ridge(alpha=1.0, solver='svd').fit(X, y).predict(Z)",
    X=TABLE.normal(8, 3),
    y=TABLE.normal(8),
    Z=TABLE.normal(2, 3),
)
TABLE.works("linear_model.RidgeCV().fit(X, y).coef_", X=TABLE.normal(8, 3), y=TABLE.normal(8))
TABLE.works(
    "linear_model.RidgeClassifier(solver='svd').fit(X, y).decision_function(X)",
    X=TABLE.normal(8, 3),
    y=np.arange(8) % 2,
)
TABLE.works(
    "mixture.GaussianMixture(2, init_params='random_from_data', random_state=0).fit(X).means_",
    X=np.concatenate([TABLE.normal(6, 2) - 2, TABLE.normal(6, 2) + 2]),
)
TABLE.works(
    "mixture.GaussianMixture(2, init_params='random_from_data', random_state=0).fit(X).covariances_",
    X=np.concatenate([TABLE.normal(6, 2) - 2, TABLE.normal(6, 2) + 2]),
)
TABLE.works(
    "mixture.GaussianMixture(2, init_params='random_from_data', random_state=0).fit(X).score_samples(X)",
    X=np.concatenate([TABLE.normal(6, 2) - 2, TABLE.normal(6, 2) + 2]),
)
TABLE.works("da.LinearDiscriminantAnalysis().fit(X, y).decision_function(X)", X=TABLE.normal(9, 3), y=np.arange(9) % 2)
TABLE.works("ka.Nystroem(n_components=4, random_state=0).fit_transform(X)", X=TABLE.normal(8, 3))
TABLE.works("nb.GaussianNB().fit(X, y).theta_", X=TABLE.normal(8, 3), y=np.arange(8) % 2)
TABLE.works(
    "pipeline.make_pipeline(preprocessing.StandardScaler(), decomposition.PCA(2)).fit_transform(X)",
    X=TABLE.normal(8, 3),
)
TABLE.works("preprocessing.FunctionTransformer(lambda a: xp.exp(a)).fit_transform(X)", X=TABLE.normal(8, 3))
TABLE.works("pairwise.rbf_kernel(X, Y)", X=TABLE.normal(4, 3), Y=TABLE.normal(3, 3))
TABLE.works("pairwise.euclidean_distances(X, Y)", X=TABLE.normal(4, 3), Y=TABLE.normal(3, 3))
TABLE.works("pairwise.cosine_similarity(X, Y)", X=TABLE.normal(4, 3), Y=TABLE.normal(3, 3))
TABLE.works("pairwise.polynomial_kernel(X, Y)", X=TABLE.normal(4, 3), Y=TABLE.normal(3, 3))
TABLE.works("pairwise.laplacian_kernel(X, Y)", X=TABLE.normal(4, 3), Y=TABLE.normal(3, 3))
TABLE.works("pairwise.manhattan_distances(X, Y)", X=TABLE.normal(4, 3), Y=TABLE.normal(3, 3))
TABLE.works("pairwise.sigmoid_kernel(X, Y)", X=TABLE.normal(4, 3), Y=TABLE.normal(3, 3))
TABLE.works("pairwise.chi2_kernel(X, Y)", X=TABLE.uniform(4, 3), Y=TABLE.uniform(3, 3))
TABLE.works("pairwise.additive_chi2_kernel(X, Y)", X=TABLE.uniform(4, 3), Y=TABLE.uniform(3, 3))
TABLE.works("pairwise.paired_euclidean_distances(X, Y)", X=TABLE.normal(4, 3), Y=TABLE.normal(4, 3))
TABLE.works("pairwise.cosine_distances(X, Y)", X=TABLE.normal(4, 3), Y=TABLE.normal(3, 3))
TABLE.works("pairwise.linear_kernel(X, Y)", X=TABLE.normal(4, 3), Y=TABLE.normal(3, 3))
TABLE.works("metrics.pairwise_distances(X, Y)", X=TABLE.normal(4, 3), Y=TABLE.normal(3, 3))
TABLE.works("metrics.mean_squared_error(y, p, multioutput='raw_values')", y=TABLE.normal(6, 2), p=TABLE.normal(6, 2))
TABLE.works("metrics.r2_score(y, p, multioutput='raw_values')", y=TABLE.normal(6, 2), p=TABLE.normal(6, 2))
TABLE.works("metrics.mean_absolute_error(y, p, multioutput='raw_values')", y=TABLE.normal(6, 2), p=TABLE.normal(6, 2))
TABLE.works(
    "metrics.explained_variance_score(y, p, multioutput='raw_values')", y=TABLE.normal(6, 2), p=TABLE.normal(6, 2)
)
TABLE.works(
    "metrics.root_mean_squared_error(y, p, multioutput='raw_values')", y=TABLE.normal(6, 2), p=TABLE.normal(6, 2)
)
TABLE.works(
    "metrics.mean_squared_log_error(y, p, multioutput='raw_values')", y=TABLE.uniform(6, 2), p=TABLE.uniform(6, 2)
)
TABLE.works(
    "metrics.mean_absolute_percentage_error(y, p, multioutput='raw_values')",
    y=TABLE.uniform(6, 2),
    p=TABLE.uniform(6, 2),
)
TABLE.works("metrics.mean_pinball_loss(y, p, multioutput='raw_values')", y=TABLE.uniform(6, 2), p=TABLE.uniform(6, 2))
TABLE.works("extmath.randomized_svd(X, 2, n_oversamples=2, random_state=0)[1]", X=TABLE.normal(6, 4))
TABLE.works("extmath.softmax(X)", X=TABLE.normal(6, 4))
TABLE.scalar(
    "metrics.mean_squared_error(y, p)",
    "`float(...)` at the end; `multioutput='raw_values'` keeps the gradient",
    y=TABLE.normal(6),
    p=TABLE.normal(6),
)
TABLE.scalar("metrics.log_loss(y, p)", "`float(...)` at the end", y=np.arange(6) % 2, p=TABLE.uniform(6))
TABLE.scalar(
    "metrics.calinski_harabasz_score(X, y)", "`float(...)` at the end", X=TABLE.normal(6, 2), y=np.arange(6) % 2
)
TABLE.closed(
    "preprocessing.SplineTransformer(n_knots=3, degree=2).fit_transform(X)",
    TypeError,
    "applies a NumPy ufunc",
    X=TABLE.normal(8, 1),
)
TABLE.closed("preprocessing.scale(X)", pb.errors.AutogradError, "converts to NumPy", X=TABLE.normal(6, 3))
TABLE.closed(
    "preprocessing.RobustScaler().fit_transform(X)", pb.errors.AutogradError, "converts to NumPy", X=TABLE.normal(6, 3)
)
TABLE.closed(
    "preprocessing.QuantileTransformer(n_quantiles=4).fit_transform(X)",
    pb.errors.AutogradError,
    "converts to NumPy",
    X=TABLE.normal(6, 3),
)
TABLE.closed(
    "preprocessing.PowerTransformer().fit_transform(X)", TypeError, "applies a NumPy ufunc", X=TABLE.normal(6, 3)
)
TABLE.closed(
    "decomposition.IncrementalPCA(2).fit_transform(X)",
    pb.errors.AutogradError,
    "converts to NumPy",
    X=TABLE.normal(8, 4),
)
TABLE.closed(
    "decomposition.FactorAnalysis(2).fit_transform(X)",
    pb.errors.BackendMismatchError,
    "mixes in NumPy arrays of its own",
    X=TABLE.normal(8, 4),
)
TABLE.closed(
    "linear_model.Ridge(solver='cholesky').fit(X, y).coef_",
    ValueError,
    "scikit-learn: only the solver 'svd' for the Array API",
    X=TABLE.normal(8, 3),
    y=TABLE.normal(8),
)
TABLE.closed(
    "linear_model.LinearRegression().fit(X, y).coef_",
    pb.errors.AutogradError,
    "converts to NumPy",
    X=TABLE.normal(8, 3),
    y=TABLE.normal(8),
)
TABLE.closed(
    "linear_model.BayesianRidge().fit(X, y).coef_",
    pb.errors.AutogradError,
    "converts to NumPy",
    X=TABLE.normal(8, 3),
    y=TABLE.normal(8),
)
TABLE.closed(
    "linear_model.LogisticRegression().fit(X, y).coef_",
    pb.errors.AutogradError,
    "converts to NumPy",
    X=TABLE.normal(8, 3),
    y=np.arange(8) % 2,
)
TABLE.closed(
    "kr.KernelRidge(alpha=0.5, kernel='rbf').fit(X, y).predict(Z)",
    AttributeError,
    "uses methods of numpy.ndarray (`.flat`)",
    X=TABLE.normal(8, 3),
    y=TABLE.normal(8),
    Z=TABLE.normal(2, 3),
)
TABLE.closed(
    "ka.RBFSampler(n_components=4, random_state=0).fit_transform(X)",
    TypeError,
    "mixes in NumPy arrays of its own",
    X=TABLE.normal(8, 3),
)
TABLE.closed(
    "cd.PLSRegression(2).fit(X, y).coef_", TypeError, "applies a NumPy ufunc", X=TABLE.normal(8, 3), y=TABLE.normal(8)
)
TABLE.closed(
    "cov.EmpiricalCovariance().fit(X).covariance_", pb.errors.AutogradError, "converts to NumPy", X=TABLE.normal(8, 3)
)
TABLE.closed("cov.LedoitWolf().fit(X).covariance_", pb.errors.AutogradError, "converts to NumPy", X=TABLE.normal(8, 3))
TABLE.closed(
    "metrics.roc_curve(y, p)[0]",
    TypeError,
    "calls `where` with one argument, which the standard has not",
    y=np.arange(6) % 2,
    p=TABLE.uniform(6),
)
TABLE.closed(
    "metrics.silhouette_score(X, y)",
    AttributeError,
    "uses methods of numpy.ndarray (`.flat`)",
    X=TABLE.normal(6, 2),
    y=np.arange(6) % 2,
)
