"""Calls of SciPy, written in the Array API."""

from __future__ import annotations

import numpy as np
import pullback as pb
from helpers.consumers import Table
from scipy import (
    cluster,
    differentiate,
    fft,
    integrate,
    interpolate,
    linalg,
    ndimage,
    optimize,
    signal,
    spatial,
    special,
    stats,
)
from scipy.cluster import vq
from scipy.optimize import elementwise
from scipy.spatial import transform

TABLE = Table(
    "scipy",
    names={
        "stats": stats,
        "signal": signal,
        "integrate": integrate,
        "optimize": optimize,
        "special": special,
        "cluster": cluster,
        "vq": vq,
        "fft": fft,
        "transform": transform,
        "differentiate": differentiate,
        "elementwise": elementwise,
        "interpolate": interpolate,
        "spatial": spatial,
        "linalg": linalg,
        "ndimage": ndimage,
    },
)

TABLE.works("stats.zscore(x)", x=TABLE.normal(6))
TABLE.works("stats.zmap(x, y)", x=TABLE.normal(6), y=TABLE.normal(5))
TABLE.works("stats.gmean(x)", x=TABLE.uniform(6))
TABLE.works("stats.hmean(x)", x=TABLE.uniform(6))
TABLE.works("stats.pmean(x, 3)", x=TABLE.uniform(6))
TABLE.works("stats.skew(x)", x=TABLE.normal(8))
TABLE.works("stats.kurtosis(x)", x=TABLE.normal(8))
TABLE.works("stats.moment(x, order=3)", x=TABLE.normal(8))
TABLE.works("stats.variation(x)", x=TABLE.uniform(8))
TABLE.works("stats.sem(x)", x=TABLE.normal(8))
TABLE.works("stats.tmean(x, (-1.0, 1.0))", x=TABLE.normal(8))
TABLE.works("stats.tvar(x, (-1.0, 1.0))", x=TABLE.normal(8))
TABLE.works("stats.tstd(x, (-1.0, 1.0))", x=TABLE.normal(8))
TABLE.works("stats.tsem(x, (-1.0, 1.0))", x=TABLE.normal(8))
TABLE.works("stats.circmean(x)", x=TABLE.uniform(8))
TABLE.works("stats.circvar(x)", x=TABLE.uniform(8))
TABLE.works("stats.circstd(x)", x=TABLE.uniform(8))
TABLE.works("stats.directional_stats(x).mean_direction", x=TABLE.normal(5, 3))
TABLE.works("stats.entropy(x, y)", x=TABLE.uniform(6), y=TABLE.uniform(6))
TABLE.works("stats.differential_entropy(x)", x=TABLE.normal(9))
TABLE.works("stats.describe(x).skewness", x=TABLE.normal(8))
TABLE.works("stats.trim_mean(x, 0.1)", x=TABLE.normal(12))
TABLE.works("stats.quantile(x, 0.3)", x=TABLE.normal(9))
TABLE.works("stats.gzscore(x)", x=TABLE.uniform(8))
TABLE.works("stats.kstat(x, 3)", x=TABLE.normal(8))
TABLE.works("stats.lmoment(x)", x=TABLE.normal(9))
TABLE.works("stats.boxcox_llf(xp.asarray(0.4), x)", x=TABLE.uniform(9))
TABLE.works("stats.yeojohnson_llf(0.4, x)", x=TABLE.uniform(9))
TABLE.works("stats.sigmaclip(x, 2.0, 2.0).clipped", x=TABLE.normal(9))
TABLE.works(
    "stats.bootstrap((x,), xp.mean, n_resamples=20, random_state=0, method='basic').standard_error",
    x=TABLE.normal(6),
    beyond="several integer arrays in an index",
)
TABLE.works("stats.iqr(x)", x=TABLE.normal(9))
TABLE.works("stats.false_discovery_control(x)", x=TABLE.uniform(5))
TABLE.works("signal.hilbert(x)", x=TABLE.normal(8))
TABLE.works("signal.envelope(x)", x=TABLE.normal(8))
TABLE.works("signal.resample(x, 5)", x=TABLE.normal(8))
TABLE.works("signal.fftconvolve(x, y)", x=TABLE.normal(8), y=TABLE.normal(3))
TABLE.works("signal.oaconvolve(x, y)", x=TABLE.normal(40), y=TABLE.normal(3))
TABLE.works("signal.convolve(x, y, method='fft')", x=TABLE.normal(8), y=TABLE.normal(3))
TABLE.works("signal.freqz(b, worN=5)[1]", b=TABLE.normal(4))
TABLE.works("signal.freqs(b, a, worN=xp.asarray([1.0, 2.0]))[1]", b=TABLE.normal(3), a=TABLE.normal(3))
TABLE.works("signal.windows.general_hamming(8, a, xp=xp)", a=np.asarray(0.6))
TABLE.works(
    "signal.lp2bp_zpk(z, p, k, 2.0, 0.5)[0]",
    z=TABLE.normal(2) + 1j * TABLE.normal(2),
    p=TABLE.normal(3) + 1j * TABLE.normal(3),
    k=np.asarray(2.0),
)
TABLE.works(
    "signal.bilinear_zpk(z, p, k, 2.0)[1]",
    z=TABLE.normal(2) + 1j * TABLE.normal(2),
    p=TABLE.normal(3) + 1j * TABLE.normal(3),
    k=np.asarray(2.0),
)
TABLE.works("signal.lp2bp(b, a, 2.0, 0.5)[0]", b=TABLE.normal(2), a=TABLE.normal(3))
TABLE.works("signal.gauss_spline(x, 3)", x=TABLE.normal(5))
TABLE.works("signal.vectorstrength(x, 2.0)[0]", x=TABLE.normal(5))
TABLE.works("signal.correlate(x, y, method='fft')", x=TABLE.normal(8), y=TABLE.normal(3))
TABLE.works("signal.normalize(b, a)[0]", b=TABLE.normal(3), a=TABLE.normal(3))
TABLE.works("integrate.trapezoid(y, x)", y=TABLE.normal(6), x=np.sort(TABLE.normal(6)))
TABLE.works("integrate.cumulative_trapezoid(y, x)", y=TABLE.normal(6), x=np.sort(TABLE.normal(6)))
TABLE.works("integrate.cumulative_simpson(y, x=x)", y=TABLE.normal(6), x=np.sort(TABLE.normal(6)))
TABLE.works("integrate.romb(y)", y=TABLE.normal(9))
TABLE.works(
    "integrate.tanhsinh(lambda t, a: xp.exp(-a * t ** 2), lo, hi, args=(a,)).integral",
    fixed="lo hi",
    a=np.asarray(1.3),
    lo=np.asarray(0.0),
    hi=np.asarray(1.0),
)
TABLE.works(
    "integrate.tanhsinh(lambda t, a: xp.exp(-a * t ** 2), lo, infinity, args=(a,)).integral",
    fixed="lo infinity",
    a=np.asarray(1.3),
    lo=np.asarray(0.0),
    infinity=np.asarray(np.inf),
)
TABLE.works(
    "integrate.nsum(lambda k, a: 1 / k ** a, lo, hi, args=(a,)).sum",
    fixed="lo hi",
    a=np.asarray(2.3),
    lo=np.asarray(1.0),
    hi=np.asarray(np.inf),
    beyond="the sum of booleans",
    reverse_only="inf / inf at the last term, times a weight of 0",
)
TABLE.works(
    "integrate.cubature(lambda t: xp.sin(a * t[:, 0]), lo, hi).estimate",
    fixed="lo hi",
    a=np.asarray(1.3),
    lo=np.asarray([0.0]),
    hi=np.asarray([1.0]),
)
TABLE.works(
    "elementwise.find_root(lambda t, a: t ** 3 - a, (lo, hi), args=(a,)).x",
    fixed="lo hi",
    a=np.asarray(1.3),
    lo=np.asarray(0.0),
    hi=np.asarray(2.0),
)
TABLE.works(
    "elementwise.find_minimum(lambda t, a: (t - a) ** 2 + a ** 2, (before, lo, after), args=(a,)).f_x",
    fixed="lo before after",
    a=np.asarray(1.3),
    lo=np.asarray(0.0),
    before=np.asarray(-5.0),
    after=np.asarray(5.0),
)
TABLE.works(
    "elementwise.bracket_root(lambda t, a: t ** 3 - a, lo, args=(a,)).f_bracket[1]",
    fixed="lo",
    a=np.asarray(1.3),
    lo=np.asarray(0.0),
)
TABLE.works(
    "differentiate.derivative(lambda t, a: xp.sin(a * t), at, args=(a,)).df",
    fixed="at",
    a=np.asarray(1.3),
    at=np.asarray(0.5),
)
TABLE.works(
    "differentiate.jacobian(lambda t: xp.sin(a * t), x).df",
    a=np.asarray(1.3),
    x=TABLE.normal(3),
    beyond="several integer arrays in an index",
)
TABLE.works(
    "differentiate.hessian(lambda t: xp.sum(xp.sin(a * t), axis=0), x).ddf",
    a=np.asarray(1.3),
    x=TABLE.normal(2),
    beyond="several integer arrays in an index",
)
TABLE.works("optimize.rosen(x)", x=TABLE.normal(4))
TABLE.works("optimize.rosen_der(x)", x=TABLE.normal(4))
TABLE.works("optimize.rosen_hess(x)", x=TABLE.normal(4))
TABLE.works("special.logsumexp(x)", x=TABLE.normal(6))
TABLE.works("special.logsumexp(x, b=y)", x=TABLE.normal(6), y=TABLE.uniform(6))
TABLE.works("special.softmax(x)", x=TABLE.normal(6))
TABLE.works("special.log_softmax(x)", x=TABLE.normal(6))
TABLE.works("special.xlogy(x, y)", x=TABLE.uniform(6), y=TABLE.uniform(6))
TABLE.works("vq.whiten(x)", x=TABLE.normal(6, 2))
TABLE.works("fft.fft(x)", x=TABLE.normal(7))
TABLE.works("fft.irfft(x)", x=TABLE.normal(4) + 0j)
TABLE.works("fft.rfftn(x)", x=TABLE.normal(3, 4))
TABLE.works("fft.fht(x, 0.1, 0.5)", x=TABLE.normal(8))
TABLE.works("fft.fftshift(x)", x=TABLE.normal(6))
TABLE.works("fft.hfft(x)", x=TABLE.normal(4) + 0j)
TABLE.works("transform.Rotation.from_rotvec(x).as_matrix()", x=TABLE.normal(3))
TABLE.works("transform.Rotation.from_quat(x).apply(y)", x=TABLE.normal(4), y=TABLE.normal(3))
TABLE.works(
    "(transform.Rotation.from_euler('xyz', x) * transform.Rotation.from_rotvec(y)).as_quat()",
    x=TABLE.normal(3),
    y=TABLE.normal(3),
)
TABLE.works("transform.Rotation.from_matrix(xp.asarray(x, copy=True)).as_rotvec()", x=TABLE.normal(3, 3))
TABLE.works(
    "transform.Slerp(xp.asarray([0.0, 1.0]), transform.Rotation.from_rotvec(x))(xp.asarray([0.3])).as_rotvec()",
    x=TABLE.normal(2, 3),
)
TABLE.works("transform.RigidTransform.from_exp_coords(x).as_matrix()", x=TABLE.normal(6))
TABLE.constant("stats.rankdata(x)", "ranks", x=TABLE.normal(5))
TABLE.constant(
    "stats.cramervonmises_2samp(x, y).statistic",
    "built on ranks",
    x=TABLE.normal(6),
    y=TABLE.normal(5),
    beyond="NumPy arrays",
)
TABLE.constant("stats.chatterjeexi(x, y).statistic", "built on ranks", x=TABLE.normal(6), y=TABLE.normal(6))
TABLE.plugin("stats.pearsonr(x, y).statistic", x=TABLE.normal(6), y=TABLE.normal(6))
TABLE.plugin("stats.ttest_ind(x, y).statistic", x=TABLE.normal(6), y=TABLE.normal(6))
TABLE.plugin("stats.ttest_1samp(x, 0.0).statistic", x=TABLE.normal(6))
TABLE.plugin("stats.normaltest(x).statistic", x=TABLE.normal(9))
TABLE.plugin("stats.bartlett(x, y).statistic", x=TABLE.normal(6), y=TABLE.normal(7))
TABLE.plugin("stats.levene(x, y).statistic", x=TABLE.normal(6), y=TABLE.normal(7))
TABLE.plugin("stats.f_oneway(x, y).statistic", x=TABLE.normal(6), y=TABLE.normal(7))
TABLE.plugin("stats.alexandergovern(x, y).statistic", x=TABLE.normal(6), y=TABLE.normal(7))
TABLE.plugin("stats.jarque_bera(x).statistic", x=TABLE.normal(9))
TABLE.plugin("stats.combine_pvalues(x, method='fisher').statistic", x=TABLE.uniform(5))
TABLE.plugin("signal.windows.kaiser(8, b, xp=xp)", b=np.asarray(2.0))
TABLE.plugin("special.erf(x)", x=TABLE.normal(6))
TABLE.plugin("special.gammaln(x)", x=TABLE.uniform(6))
TABLE.plugin("special.entr(x)", x=TABLE.uniform(6))
TABLE.plugin("special.betainc(2.0, 3.0, x)", x=TABLE.uniform(6))
TABLE.plugin("special.polygamma(1, x)", x=TABLE.uniform(6))
TABLE.plugin("special.multigammaln(x + 2, 3)", x=TABLE.uniform(6))
TABLE.plugin("special.boxcox(x, y)", x=TABLE.uniform(6), y=TABLE.normal(6))
TABLE.plugin("stats.pearsonr(x, y).pvalue", x=TABLE.normal(6), y=TABLE.normal(6))
TABLE.plugin("stats.ttest_ind(x, y).pvalue", x=TABLE.normal(6), y=TABLE.normal(6))
TABLE.plugin("stats.ttest_rel(x, y).pvalue", x=TABLE.normal(6), y=TABLE.normal(6))
TABLE.plugin("stats.f_oneway(x, y).pvalue", x=TABLE.normal(6), y=TABLE.normal(7))
TABLE.plugin("stats.bartlett(x, y).pvalue", x=TABLE.normal(6), y=TABLE.normal(7))
TABLE.plugin("stats.normaltest(x).pvalue", x=TABLE.normal(9))
TABLE.plugin("stats.jarque_bera(x).pvalue", x=TABLE.normal(9))
TABLE.plugin("stats.chisquare(x, x.mean() + 0 * x).pvalue", x=TABLE.uniform(6))
TABLE.plugin("stats.combine_pvalues(x, method='stouffer').pvalue", x=TABLE.uniform(5))
TABLE.plugin("stats.combine_pvalues(x, method='fisher').pvalue", x=TABLE.uniform(5))
TABLE.plugin("stats.entropy(x)", x=TABLE.uniform(5))
TABLE.closed(
    "stats.linregress(x, y).slope", pb.errors.AutogradError, "converts to NumPy", x=TABLE.normal(6), y=TABLE.normal(6)
)
TABLE.closed(
    "stats.theilslopes(x, y).slope", pb.errors.AutogradError, "converts to NumPy", x=TABLE.normal(6), y=TABLE.normal(6)
)
TABLE.closed(
    "stats.multiscale_graphcorr(x, y)", ValueError, "insists on numpy.ndarray", x=TABLE.normal(6), y=TABLE.normal(6)
)
TABLE.closed("signal.detrend(x)", pb.errors.AutogradError, "converts to NumPy", x=TABLE.normal(8))
TABLE.closed(
    "signal.zpk2tf(z, p, k)[1]",
    pb.errors.AutogradError,
    "converts to NumPy",
    z=TABLE.normal(2),
    p=TABLE.normal(3),
    k=np.asarray(2.0),
)
TABLE.closed(
    "signal.lfilter(b, a, x)",
    pb.errors.AutogradError,
    "converts to NumPy",
    b=TABLE.normal(2),
    a=TABLE.normal(2),
    x=TABLE.normal(7),
)
TABLE.closed("signal.savgol_filter(x, 5, 2)", pb.errors.AutogradError, "converts to NumPy", x=TABLE.normal(9))
TABLE.closed("signal.czt(x)", pb.errors.AutogradError, "converts to NumPy", x=TABLE.normal(6))
TABLE.closed("signal.chirp(x, 1.0, 2.0, 3.0)", pb.errors.AutogradError, "converts to NumPy", x=TABLE.normal(5))
TABLE.closed("signal.gausspulse(x)", TypeError, "applies a NumPy ufunc", x=TABLE.normal(5))
TABLE.closed(
    "signal.group_delay((b, a), w=5)[1]",
    pb.errors.AutogradError,
    "converts to NumPy",
    b=TABLE.normal(3),
    a=TABLE.normal(3),
)
TABLE.closed("signal.decimate(x, 2)", pb.errors.AutogradError, "converts to NumPy", x=TABLE.normal(60))
TABLE.closed("signal.welch(x, nperseg=8)[1]", pb.errors.AutogradError, "converts to NumPy", x=TABLE.normal(30))
TABLE.closed("signal.periodogram(x)[1]", pb.errors.AutogradError, "converts to NumPy", x=TABLE.normal(30))
TABLE.closed(
    "integrate.simpson(y, x=x)",
    pb.errors.AutogradError,
    "converts to NumPy",
    y=TABLE.normal(7),
    x=np.sort(TABLE.normal(7)),
)
TABLE.closed(
    "integrate.fixed_quad(lambda t: xp.sin(a * xp.asarray(t)), 0.0, 1.0, n=4)[0]",
    pb.errors.BackendMismatchError,
    "mixes in NumPy arrays of its own",
    a=np.asarray(1.3),
)
TABLE.closed("special.jv(1, x)", TypeError, "applies a NumPy ufunc", x=TABLE.uniform(6))
TABLE.closed("vq.vq(x, y)[1]", pb.errors.AutogradError, "converts to NumPy", x=TABLE.normal(6, 2), y=TABLE.normal(3, 2))
TABLE.closed("cluster.hierarchy.linkage(x)", pb.errors.AutogradError, "converts to NumPy", x=TABLE.normal(6, 2))
TABLE.closed("fft.dct(x)", pb.errors.AutogradError, "converts to NumPy", x=TABLE.normal(6))
TABLE.closed(
    "interpolate.Akima1DInterpolator(x, y)(xp.asarray([0.1, 0.5], dtype=xp.float64))",
    pb.errors.AutogradError,
    "converts to NumPy",
    x=np.linspace(0, 1, 6),
    y=TABLE.normal(6),
)
TABLE.closed(
    "interpolate.PchipInterpolator(x, y)(xp.asarray([0.1, 0.5], dtype=xp.float64))",
    pb.errors.AutogradError,
    "converts to NumPy",
    x=np.linspace(0, 1, 6),
    y=TABLE.normal(6),
)
TABLE.closed(
    "interpolate.RBFInterpolator(x, y)(x)",
    TypeError,
    "uses methods of numpy.ndarray (`.view`)",
    x=TABLE.normal(6, 2),
    y=TABLE.normal(6),
)
TABLE.closed(
    "interpolate.AAA(x, y)(x)", pb.errors.AutogradError, "converts to NumPy", x=TABLE.normal(6), y=TABLE.normal(6)
)
TABLE.closed(
    "interpolate.CubicSpline(x, y)(x)",
    pb.errors.AutogradError,
    "converts to NumPy",
    x=np.linspace(0, 1, 6),
    y=TABLE.normal(6),
)
TABLE.closed(
    "interpolate.BSpline(t, c, 2)(xp.asarray([0.5]))",
    pb.errors.AutogradError,
    "converts to NumPy",
    t=np.linspace(0, 1, 8),
    c=TABLE.normal(5),
)
TABLE.closed(
    "interpolate.interp1d(x, y)(x)",
    pb.errors.AutogradError,
    "converts to NumPy",
    x=np.linspace(0, 1, 6),
    y=TABLE.normal(6),
)
TABLE.closed("spatial.distance.cdist(x, x)", pb.errors.AutogradError, "converts to NumPy", x=TABLE.normal(3, 2))
TABLE.closed("linalg.expm(x)", pb.errors.AutogradError, "converts to NumPy", x=TABLE.normal(3, 3))
TABLE.closed(
    "linalg.solve(x, y)", pb.errors.AutogradError, "converts to NumPy", x=TABLE.normal(3, 3), y=TABLE.normal(3)
)
TABLE.closed("ndimage.gaussian_filter(x, 1.0)", pb.errors.AutogradError, "converts to NumPy", x=TABLE.normal(5))
TABLE.closed(
    "stats.Normal(mu=x, sigma=y).logpdf(z)",
    pb.errors.AutogradError,
    "converts to NumPy",
    x=TABLE.normal(),
    y=TABLE.uniform(),
    z=TABLE.normal(3),
)
TABLE.closed("stats.norm.logpdf(x)", pb.errors.AutogradError, "converts to NumPy", x=TABLE.normal(3))
