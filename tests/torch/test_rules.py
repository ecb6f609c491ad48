"""The functions that docs/torch.md says have pullback's own rules: none is an opaque primitive.

Under vmap each agrees with a loop over the examples; values and derivatives of any order are
compared with torch's in `test_opdb.py`.
"""

from __future__ import annotations

import math

import pytest

import pullback

torch = pytest.importorskip("torch", reason="torch is not installed: make test-torch")

from pullback.frontends.torch import TensorBox, opaque  # noqa: E402

F = torch.nn.functional
pytestmark = pytest.mark.filterwarnings("ignore")


def numbers(*shape, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, dtype=torch.float64, generator=generator)


LABELS = torch.tensor([1, 0, 3])
PLACES = torch.tensor([[0, 2, 1], [1, 0, 2]])
W3 = numbers(4, 2, 3, seed=1)
W4 = numbers(4, 2, 3, 2, seed=1)
W5 = numbers(4, 2, 3, 2, 2, seed=1)

ACTIVATIONS = {
    name: (getattr(F, name), (3, 4))
    for name in (
        "relu relu6 elu selu celu silu mish gelu softplus softsign tanhshrink hardtanh leaky_relu "
        "hardsigmoid hardswish hardshrink softshrink logsigmoid glu sigmoid tanh normalize"
    ).split()
} | {
    "gelu tanh": (lambda x: F.gelu(x, approximate="tanh"), (3, 4)),
    "threshold": (lambda x: F.threshold(x, 0.1, 2.0), (3, 4)),
    "prelu": (lambda x: F.prelu(x, W3[0, 0]), (2, 3)),
    "softmax": (lambda x: F.softmax(x, -1), (3, 4)),
    "softmin": (lambda x: F.softmin(x, -1), (3, 4)),
    "log_softmax": (lambda x: F.log_softmax(x, 0), (3, 4)),
}
TARGET = numbers(3, 4, seed=2)
SIGNS = TARGET.sign()
LOSSES = {
    "l1": lambda x: F.l1_loss(x, TARGET),
    "smooth_l1": lambda x: F.smooth_l1_loss(x, TARGET, beta=0.7),
    "huber": lambda x: F.huber_loss(x, TARGET, delta=0.7),
    "mse": lambda x: F.mse_loss(x, TARGET, reduction="sum"),
    "bce": lambda x: F.binary_cross_entropy(x.sigmoid(), TARGET.sigmoid()),
    "bce_with_logits": lambda x: F.binary_cross_entropy_with_logits(
        x, TARGET.sigmoid(), pos_weight=TARGET[0].exp()
    ),
    "nll": lambda x: F.nll_loss(x, LABELS, ignore_index=0),
    "nll of one row": lambda x: F.nll_loss(x[0], LABELS[0]),
    "plain cross_entropy": lambda x: F.cross_entropy(x, LABELS),
    "cross_entropy of places": lambda x: F.cross_entropy(
        x.reshape(1, 3, 4).exp(), LABELS[[0, 1, 1, 0]][None], reduction="none", ignore_index=0
    ),
    "cross_entropy": lambda x: F.cross_entropy(
        x, LABELS, weight=TARGET[0].exp(), ignore_index=3, label_smoothing=0.1
    ),
    "cross_entropy of probabilities": lambda x: F.cross_entropy(x, TARGET.softmax(-1)),
    "kl_div": lambda x: F.kl_div(x, TARGET.exp(), reduction="batchmean"),
    "poisson_nll": lambda x: F.poisson_nll_loss(x, TARGET.exp(), full=True),
    "gaussian_nll": lambda x: F.gaussian_nll_loss(x, TARGET, TARGET.exp(), full=True),
    "hinge_embedding": lambda x: F.hinge_embedding_loss(x, SIGNS),
    "margin_ranking": lambda x: F.margin_ranking_loss(x, TARGET, SIGNS, margin=0.1),
    "cosine_embedding": lambda x: F.cosine_embedding_loss(x, TARGET, SIGNS[:, 0]),
    "triplet_margin": lambda x: F.triplet_margin_loss(x, TARGET, -TARGET, swap=True),
    "soft_margin": lambda x: F.soft_margin_loss(x, SIGNS),
    "multi_margin": lambda x: F.multi_margin_loss(x, LABELS),
    "cosine_similarity": lambda x: F.cosine_similarity(x, TARGET),
}
SIGNALS = {
    "conv1d": (lambda x: F.conv1d(x, W3, TARGET[0], stride=2, padding=1), (3, 2, 7)),
    "conv1d same": (lambda x: F.conv1d(x, W3[:, :, :2], padding="same"), (3, 2, 7)),
    "conv2d": (lambda x: F.conv2d(x, W4, dilation=2, padding=(2, 1)), (3, 2, 7, 5)),
    "conv2d groups": (lambda x: F.conv2d(x, W4[:, :1], groups=2), (2, 5, 4)),
    "conv3d": (lambda x: F.conv3d(x, W5), (1, 2, 4, 3, 3)),
    "conv_transpose1d": (
        lambda x: F.conv_transpose1d(x, W3, stride=2, output_padding=1),
        (3, 4, 5),
    ),
    "conv_transpose2d": (lambda x: F.conv_transpose2d(x, W4, groups=2), (3, 4, 4, 3)),
    "conv_transpose3d": (lambda x: F.conv_transpose3d(x, W5, padding=1), (1, 4, 3, 3, 3)),
    "max_pool1d": (lambda x: F.max_pool1d(x, 2), (3, 2, 6)),
    "max_pool2d": (lambda x: F.max_pool2d(x, 3, stride=2, padding=1), (3, 2, 6, 5)),
    "max_pool3d": (lambda x: F.max_pool3d(x, 2), (2, 2, 4, 4, 4)),
    "avg_pool1d": (lambda x: F.avg_pool1d(x, 2), (3, 2, 6)),
    "avg_pool2d": (lambda x: F.avg_pool2d(x, 3, stride=2, padding=1), (2, 6, 5)),
    "avg_pool3d": (lambda x: F.avg_pool3d(x, 2), (2, 2, 4, 4, 4)),
    "adaptive_avg_pool1d": (lambda x: F.adaptive_avg_pool1d(x, 3), (3, 2, 7)),
    "adaptive_avg_pool2d": (lambda x: F.adaptive_avg_pool2d(x, (3, None)), (3, 2, 7, 5)),
    "adaptive_max_pool2d": (lambda x: F.adaptive_max_pool2d(x, 3), (3, 2, 7, 5)),
    "lp_pool2d": (lambda x: F.lp_pool2d(x.exp(), 2, 2), (3, 2, 6, 6)),
    "nearest": (lambda x: F.interpolate(x, scale_factor=2), (3, 2, 3, 4)),
    "bilinear": (
        lambda x: F.interpolate(x, (5, 7), mode="bilinear", align_corners=True),
        (3, 2, 3, 4),
    ),
    "unfold": (lambda x: F.unfold(x, 2), (3, 2, 3, 4)),
    "fold": (lambda x: F.fold(x, (3, 4), 2), (3, 8, 6)),
    "batch_norm": (lambda x: F.batch_norm(x, None, None, TARGET[0], training=True), (3, 4, 5)),
    "batch_norm eval": (lambda x: F.batch_norm(x, TARGET[0], TARGET[1].exp()), (3, 4, 5)),
    "instance_norm": (lambda x: F.instance_norm(x, weight=TARGET[0]), (3, 4, 5)),
    "layer_norm": (lambda x: F.layer_norm(x, (4,), TARGET[0], TARGET[1]), (3, 4)),
    "group_norm": (lambda x: F.group_norm(x, 2, TARGET[0]), (3, 4, 5)),
    "rms_norm": (lambda x: F.rms_norm(x, (4,)), (3, 4)),
    **{
        f"pad {mode}": (lambda x, mode=mode: F.pad(x, (1, 2, 2, 1), mode=mode), (2, 3, 4, 5))
        for mode in ("constant", "reflect", "replicate", "circular")
    },
    "attention": (
        lambda x: F.scaled_dot_product_attention(x, x + 1, x, TARGET[:, :3] > 0, scale=0.3),
        (2, 3, 4),
    ),
    "causal attention": (
        lambda x: F.scaled_dot_product_attention(x, x, x, is_causal=True),
        (2, 3, 4),
    ),
    "linear": (lambda x: F.linear(x, TARGET, TARGET[:, 0]), (2, 4)),
    "embedding": (lambda x: F.embedding(PLACES, x, padding_idx=1), (3, 4)),
}
CHOICES = {
    name: (lambda x, name=name: getattr(torch, name)(x, 1)[0], (3, 4))
    for name in "max min median mode sort cummax cummin".split()
} | {
    "topk": (lambda x: torch.topk(x, 2, 0).values, (3, 4)),
    "kthvalue": (lambda x: torch.kthvalue(x, 2, -1).values, (3, 4)),
    "amax": (lambda x: x.amax(0), (3, 4)),
    "prod": (lambda x: x.prod(1), (3, 4)),
    "cumprod": (lambda x: x.cumprod(1), (3, 12)),
    "cumsum": (lambda x: x.cumsum(1), (3, 4)),
    "logcumsumexp": (lambda x: x.logcumsumexp(0), (3, 4)),
    "trapezoid": (lambda x: torch.cumulative_trapezoid(x, dim=0), (3, 4)),
    "var": (lambda x: torch.var(x, 1, correction=2), (3, 4)),
    "std_mean": (lambda x: torch.std_mean(x, 1)[0], (3, 4)),
    "gather": (lambda x: x.gather(1, PLACES), (2, 4)),
    "scatter": (lambda x: x.scatter(1, PLACES, TARGET[:2, :3]), (2, 4)),
    "scatter_add": (lambda x: x.scatter_add(1, PLACES, TARGET[:2, :3]), (2, 4)),
    "index_add": (lambda x: x.index_add(0, LABELS, TARGET), (4, 4)),
    "index_select": (lambda x: x.index_select(0, LABELS), (4, 2)),
    "take_along_dim": (lambda x: torch.take_along_dim(x, PLACES, 1), (2, 4)),
    "masked_fill": (lambda x: x.masked_fill(TARGET > 0, 2.0), (3, 4)),
    "where": (lambda x: torch.where(TARGET > 0, x, 0), (3, 4)),
    "tril": (torch.tril, (3, 4)),
    "repeat": (lambda x: x.repeat(2, 1), (3, 4)),
    "roll": (lambda x: x.roll(1, 0), (3, 4)),
}


def positive(x):
    return x @ x.mT + torch.eye(3, dtype=x.dtype)


LINEAR_ALGEBRA = {
    "det": (torch.linalg.det, (3, 3)),
    "slogdet": (lambda x: torch.linalg.slogdet(x)[1], (3, 3)),
    "inv": (torch.linalg.inv, (3, 3)),
    "solve": (lambda x: torch.linalg.solve(x, TARGET), (3, 3)),
    "eigh": (lambda x: torch.linalg.eigh(positive(x))[0], (3, 3)),
    "svd": (torch.linalg.svdvals, (3, 4)),
    "qr": (lambda x: torch.linalg.qr(x)[1], (4, 3)),
    "cholesky": (lambda x: torch.linalg.cholesky(positive(x)), (3, 3)),
    "pinv": (torch.linalg.pinv, (4, 3)),
    "matrix_exp": (torch.matrix_exp, (3, 3)),
    "norm": (torch.linalg.norm, (3, 4)),
    "nuclear norm": (lambda x: torch.linalg.norm(x, "nuc"), (3, 4)),
    "norm 3": (lambda x: torch.linalg.vector_norm(x, 3, 0), (3, 4)),
    "einsum": (lambda x: torch.einsum("ij,kj,kl->il", x, x, TARGET), (3, 4)),
    "einsum trace": (lambda x: torch.einsum("...ii", x), (2, 3, 3)),
    "tensordot": (lambda x: torch.tensordot(x, TARGET, ([0, 1], [0, 1])), (3, 4)),
    "outer": (lambda x: torch.outer(x, x), (3,)),
    "kron": (lambda x: torch.kron(x, TARGET), (2, 3)),
    **{
        name: (lambda x, name=name: abs(getattr(torch.fft, name)(x)), (4, 6))
        for name in "fft ifft rfft irfft hfft ihfft fft2 rfft2 fftn ifftn rfftn irfftn".split()
    },
    "fft of 5": (lambda x: abs(torch.fft.fft(x, n=5, norm="ortho")), (4, 6)),
}
POINTWISE = {
    name: (lambda x, name=name: getattr(torch, name)(x.exp(), (2 * x).cos() + 2), (3, 4))
    for name in (
        "add sub mul div pow maximum minimum fmax fmin atan2 fmod logaddexp logaddexp2 xlogy"
    ).split()
} | {
    "lerp": (lambda x: torch.lerp(x, TARGET, 0.3), (3, 4)),
    "rsqrt": (lambda x: x.exp().rsqrt(), ()),
}
WIDE = numbers(3, 4, seed=3)
ALSO_POINTWISE = {
    "add alpha": (lambda x: torch.add(x, TARGET, alpha=2.5), (3, 4)),
    "rsub": (lambda x: torch.rsub(x, TARGET, alpha=2), (3, 4)),
    "div floor": (lambda x: x * torch.div(x, 0.3, rounding_mode="floor"), (3, 4)),
    "div trunc": (lambda x: x * torch.div(x, TARGET, rounding_mode="trunc"), (3, 4)),
    "remainder": (lambda x: torch.remainder(x, TARGET), (3, 4)),
    "% of a tensor": (lambda x: TARGET % x, (3, 4)),
    "copysign": (lambda x: torch.copysign(x, TARGET), (3, 4)),
    "float_power": (lambda x: torch.float_power(x.exp(), 1.5), (3, 4)),
    "ldexp": (lambda x: torch.ldexp(x, LABELS.unsqueeze(1)), (3, 4)),
    "frexp": (lambda x: torch.frexp(x).mantissa, (3, 4)),
    "nan_to_num": (lambda x: torch.nan_to_num(x, 1.0), (3, 4)),
    "polar": (lambda x: torch.polar(x.exp(), x).real, (3, 4)),
    "complex": (lambda x: torch.complex(x, x * x).abs(), (3, 4)),
    "angle": (lambda x: torch.complex(x, x * x + 1).angle(), (3, 4)),
    "round": (lambda x: x * torch.round(x, decimals=1), (3, 4)),
    "casts": (lambda x: x.to(torch.complex128).abs().type_as(TARGET).double(), (3, 4)),
    "mvlgamma": (lambda x: torch.mvlgamma(x.exp() + 2, 3), (3, 4)),
    **{
        f"special {name}": (lambda x, name=name: getattr(torch.special, name)(x), (3, 4))
        for name in "i0 i0e i1 i1e ndtr log_ndtr erfcx".split()
    },
    "ndtri": (lambda x: torch.special.ndtri(x.sigmoid()), (3, 4)),
    "entr": (lambda x: torch.special.entr(x.exp()), (3, 4)),
    "xlog1py": (lambda x: torch.special.xlog1py(x, TARGET.exp()), (3, 4)),
}
MOVED = {
    "diagonal": (lambda x: torch.diagonal(x, 1, 0, 2), (3, 2, 4)),
    "diag_embed": (lambda x: torch.diag_embed(x, -1, 0, 2), (3, 4)),
    "diag": (lambda x: torch.diag(x) + torch.diag(torch.diag(x)).sum(), (3, 3)),
    "diagflat": (torch.diagflat, (2, 3)),
    "diagonal_scatter": (lambda x: torch.diagonal_scatter(WIDE, x, 1), (3,)),
    "windows": (lambda x: x.unfold(1, 3, 2), (2, 7)),
    "splits": (lambda x: torch.cat(x.split_with_sizes((1, 2)) + x.tensor_split((2, 1))), (3, 4)),
    "hsplit": (lambda x: torch.vstack(torch.hsplit(x, 2) + torch.hsplit(x, (2,))), (3, 4)),
    "dstack": (lambda x: torch.dstack((x, TARGET)), (3, 4)),
    "column_stack": (lambda x: torch.column_stack((x, x[:, 0])), (3, 4)),
    "block_diag": (lambda x: torch.block_diag(x, x[0]), (3, 4)),
    "cartesian_prod": (lambda x: torch.cartesian_prod(x, x), (3,)),
    "combinations": (lambda x: torch.combinations(x, 3), (4,)),
    "rot90": (lambda x: torch.rot90(x, 3, (1, 0)).fliplr().flipud(), (3, 4)),
    "unflatten": (lambda x: x.unflatten(1, (2, -1)), (3, 4)),
    "pixel_shuffle": (lambda x: F.pixel_shuffle(x, 2), (8, 2, 3)),
    "pixel_unshuffle": (lambda x: F.pixel_unshuffle(x, 2), (2, 4, 6)),
    "channel_shuffle": (lambda x: F.channel_shuffle(x, 2), (2, 4, 3, 2)),
    "adjoint": (lambda x: x.adjoint(), (3, 4)),
    "sum_to_size": (lambda x: x.sum_to_size(3, 1), (2, 3, 4)),
    "view_copy": (lambda x: torch.view_copy(x, (12,)), (3, 4)),
}
GROUPED = {
    **{
        f"scatter_reduce {how} {kept}": (
            lambda x, how=how, kept=kept: x.scatter_reduce(
                1, PLACES, TARGET[:2, :3], how, include_self=kept
            ),
            (2, 4),
        )
        for how in "sum prod mean amax amin".split()
        for kept in (True, False)
    },
    "index_reduce": (lambda x: x.index_reduce(0, LABELS, TARGET, "prod"), (4, 4)),
    "put": (lambda x: x.put(PLACES, TARGET[:2, :3], accumulate=True), (3, 4)),
    "masked_scatter": (lambda x: x.masked_scatter(TARGET > 0, WIDE), (3, 4)),
    "median of all": (torch.median, (3, 4)),
    "nanmedian of all": (torch.nanmedian, (3, 5)),
    "quantile": (lambda x: torch.quantile(x, TARGET[0].sigmoid(), 1), (3, 4)),
    "nanquantile": (lambda x: torch.nanquantile(x, 0.3, 0, interpolation="midpoint"), (3, 4)),
    "cov": (lambda x: torch.cov(x, aweights=TARGET[0].exp()), (3, 4)),
    "corrcoef": (torch.corrcoef, (3, 4)),
    "diff": (lambda x: torch.diff(x, 2, 1, prepend=TARGET), (3, 4)),
    "gradient": (lambda x: torch.gradient(x, spacing=0.3, dim=1, edge_order=2)[0], (3, 5)),
    "dist": (lambda x: torch.dist(x, TARGET, 3), (3, 4)),
    "cdist": (lambda x: torch.cdist(x, TARGET), (5, 4)),
    "pdist": (torch.pdist, (4, 3)),
    "renorm": (lambda x: torch.renorm(x, 2, 0, 1.5), (3, 4)),
    "norm of negative order": (lambda x: torch.linalg.vector_norm(x, -1.5, 1), (3, 4)),
}


def lower(x):
    return x.tril(-1) + torch.eye(3, dtype=x.dtype) * (2 + x.sin())


FACTORS = {
    "solve_triangular": (
        lambda x: torch.linalg.solve_triangular(lower(x), TARGET, upper=False),
        (3, 3),
    ),
    "triangular_solve": (lambda x: torch.triangular_solve(TARGET, lower(x).mT)[0], (3, 3)),
    "cholesky_solve": (lambda x: torch.cholesky_solve(TARGET, lower(x)), (3, 3)),
    "cholesky_inverse": (lambda x: torch.cholesky_inverse(lower(x)), (3, 3)),
    "lu": (lambda x: sum(part.sum() for part in torch.linalg.lu(x)[1:]), (3, 3)),
    "lu of a wide one": (lambda x: torch.linalg.lu_factor(x)[0], (3, 4)),
    "lu of a tall one": (lambda x: torch.lu(x)[0], (4, 3)),
    "lu_solve": (lambda x: torch.linalg.lu_solve(*torch.linalg.lu_factor(x), TARGET), (3, 3)),
    "lu_solve adjoint": (
        lambda x: torch.linalg.lu_solve(
            *torch.linalg.lu_factor(x), TARGET.mT, left=False, adjoint=True
        ),
        (3, 3),
    ),
    "householder_product": (lambda x: torch.linalg.householder_product(x, x[0]), (4, 3)),
    "ormqr": (lambda x: torch.ormqr(x, x[0], TARGET, transpose=True), (3, 3)),
    "eigvals": (lambda x: torch.linalg.eigvals(x).abs(), (3, 3)),
    "inv_ex": (lambda x: torch.linalg.inv_ex(x)[0], (3, 3)),
    "cond": (torch.linalg.cond, (3, 3)),
    "multi_dot": (lambda x: torch.linalg.multi_dot((x[0], TARGET.mT, x, TARGET[0])), (3, 4)),
    "tensorsolve": (
        lambda x: torch.linalg.tensorsolve(x.reshape(2, 3, 6), numbers(2, 3)),
        (6, 6),
    ),
    "vander": (lambda x: torch.linalg.vander(x, N=4).flip(-1), (3,)),
}
LAYERS = {
    "bilinear": (lambda x: F.bilinear(x, x[:, :2], numbers(5, 4, 2)), (3, 4)),
    "multilabel_margin": (lambda x: F.multilabel_margin_loss(x, LABELS_OF_ROWS), (2, 4)),
    "fractional_max_pool2d": (
        lambda x: F.fractional_max_pool2d(x, 2, 3, _random_samples=numbers(1, 2, 2).sigmoid()),
        (1, 2, 6, 5),
    ),
    "max_unpool2d": (
        lambda x: F.max_unpool2d(*F.max_pool2d(x, 2, return_indices=True), 2),
        (3, 2, 6, 4),
    ),
    **{
        f"embedding_bag {mode}": (
            lambda x, mode=mode: F.embedding_bag(PLACES.reshape(-1), x, BAGS, mode=mode),
            (3, 4),
        )
        for mode in ("sum", "mean", "max")
    },
    "stft": (
        lambda x: torch.stft(x, 6, 2, window=numbers(6), return_complex=True).abs(),
        (2, 20),
    ),
}
LABELS_OF_ROWS = torch.tensor([[2, 0, -1, 1], [3, -1, 0, 0]])
BAGS = torch.tensor([0, 2, 2, 5])
CASES = (
    POINTWISE
    | ALSO_POINTWISE
    | MOVED
    | GROUPED
    | FACTORS
    | LAYERS
    | ACTIVATIONS
    | {name: (loss, (3, 4)) for name, loss in LOSSES.items()}
    | SIGNALS
    | CHOICES
    | LINEAR_ALGEBRA
)


@pytest.fixture(params=CASES.values(), ids=CASES)
def case(request):
    return request.param


def is_whole(x):
    return not (x.dtype.is_floating_point or x.dtype.is_complex)


@pytest.fixture
def refused(monkeypatch):
    """An opaque primitive is an error."""
    original = opaque.apply

    def refuse(function, args, kwargs):
        out = original(function, args, kwargs)
        parts = out if isinstance(out, (tuple, list)) else [out]
        followed = [one for one in parts if isinstance(one, TensorBox) and not is_whole(one)]
        assert not followed, f"{function} is opaque"
        return out

    monkeypatch.setattr(opaque, "apply", refuse)


def test_is_not_opaque_in_any_mode(case, refused):
    function, shape = case
    x = numbers(*shape)
    loss = lambda x: function(x).sin().sum()
    ours = pullback.grad(loss)(x)
    torch.testing.assert_close(ours, torch.func.grad(loss)(x), rtol=1e-7, atol=1e-9)
    pullback.jvp(function, (x,), (x.cos(),))
    pullback.grad(lambda x: pullback.grad(loss)(x).sin().sum())(x)


def test_under_vmap_is_as_a_loop(case):
    function, shape = case
    xs = numbers(2, *shape)
    loss = lambda x: function(x).sin().sum()
    slope = pullback.grad(loss)
    torch.testing.assert_close(
        pullback.vmap(function)(xs), torch.stack([function(x) for x in xs]), rtol=1e-7, atol=1e-9
    )
    torch.testing.assert_close(
        pullback.vmap(slope)(xs), torch.stack([slope(x) for x in xs]), rtol=1e-7, atol=1e-9
    )


@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize("batched", [(0, None), (None, 0), (0, 0)])
def test_batches_of_signals_and_of_weights(transposed, batched):
    """The examples go into the stack, or into groups of channels."""
    function = F.conv_transpose2d if transposed else F.conv2d
    x, w = numbers(2, 3, 4, 5, 5), numbers(2, 4, 2, 3, 2, seed=1)
    convolve = lambda x, w: function(x, w, stride=2, groups=2, padding=1)
    if transposed:
        w = numbers(2, 4, 3, 3, 2, seed=1)
    args = [a if axis == 0 else a[0] for a, axis in zip((x, w), batched, strict=True)]
    loss = lambda x, w: convolve(x, w).sin().sum()
    slopes = pullback.grad(loss, argnums=(0, 1))
    ours = pullback.vmap(slopes, batched)(*args)
    rows = [
        slopes(*(a[i] if axis == 0 else a for a, axis in zip(args, batched, strict=True)))
        for i in range(2)
    ]
    for got, expected in zip(ours, zip(*rows, strict=True), strict=True):
        torch.testing.assert_close(got, torch.stack(expected))


def test_convolutions_of_complex_numbers():
    x, w = (torch.complex(numbers(2, 2, 5, seed=s), numbers(2, 2, 5, seed=s + 1)) for s in (0, 5))
    loss = lambda x, w: abs(F.conv1d(x, w, padding=2)).square().sum()
    ours = pullback.grad(loss, argnums=(0, 1))(x, w)
    for got, expected in zip(ours, torch.func.grad(loss, argnums=(0, 1))(x, w), strict=True):
        torch.testing.assert_close(got, expected)


def test_an_ignored_class_of_infinite_loss_leaves_the_gradient_finite():
    x = torch.tensor([[0.0, -math.inf], [1.0, 2.0]], dtype=torch.float64)
    labels = torch.tensor([1, 0])
    gradient = pullback.grad(lambda x: F.nll_loss(x, labels, ignore_index=1))(x)
    assert gradient.tolist() == [[0, 0], [-1, 0]]


@pytest.mark.parametrize("axes", [(0, None), (None, 0), (0, 0)])
@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
def test_classes_of_each_example_are_its_own(axes, reduction):
    x = numbers(2, 3, 4)
    labels = torch.tensor([[1, 0, 3], [2, 2, 1]])  # two examples ignore differently many

    def loss(x, labels):
        return F.cross_entropy(x, labels, ignore_index=2, reduction=reduction).sin().sum()

    args = [a if axis == 0 else a[0] for a, axis in zip((x, labels), axes, strict=True)]
    for derivative in (lambda one: one.grad(loss), lambda one: one.hessian(loss)):
        ours = pullback.vmap(derivative(pullback), axes)(*args)
        theirs = torch.func.vmap(derivative(torch.func), axes)(*args)
        torch.testing.assert_close(ours, theirs, rtol=1e-7, atol=1e-9)


def test_a_class_that_is_none_is_torchs_error():
    for bad in (torch.tensor([0, 4, 1]), torch.tensor([0, -1, 1])):
        with pytest.raises(IndexError, match="out of bounds"):
            pullback.grad(lambda x, bad=bad: F.cross_entropy(x, bad))(numbers(3, 4))


@pytest.mark.parametrize("name", ["sum", "prod", "cumsum", "cumprod"])
@pytest.mark.parametrize("dtype", [torch.uint8, torch.int16])
def test_a_small_integer_dtype_is_the_results(name, dtype):
    """torch adds and multiplies small integers in 64 bits, unless it is asked otherwise."""
    options = {"dim": 0} if name[:3] == "cum" else {}
    results = []

    def f(x):
        results.append(getattr(torch, name)(x, dtype=dtype, **options))
        return x.sum()

    x = torch.tensor([100.0, 7.0, 0.0])
    pullback.grad(f)(x)
    f(x)
    assert results[0].dtype == dtype
    assert torch.equal(pullback.stop_gradient(results[0]), results[1])
