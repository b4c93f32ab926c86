"""Names of PyTorch that have no counterpart of their own: what to write; see ``names.py``."""

Rows = list[tuple[str, str, str]]
FORMULA = "a formula of NumPy's functions, which take tensors"

# fmt: off
# Of torch.nn.functional, and the modules of torch.nn that call it.
FUNCTIONAL: Rows = [
    ("linear", "X @ W + b, with weights (inputs, outputs); Dense is the layer",
     "X @ np.ones((64, 2)) + np.zeros(2)"),
    ("bilinear Bilinear", "np.einsum", "np.einsum(\"ni,iok,nk->no\", X, np.ones((64, 2, 64)), X)"),
    ("cosine_similarity CosineSimilarity cosine_embedding_loss CosineEmbeddingLoss", FORMULA,
     "(X * X).sum(axis=1) / (np.linalg.norm(X, axis=1) * np.linalg.norm(X, axis=1))"),
    ("pairwise_distance PairwiseDistance pdist", "np.linalg.norm of a difference",
     "np.linalg.norm(X - X, axis=1)"),
    ("softsign Softsign", FORMULA, "X / (1 + np.abs(X))"),
    ("softmin Softmin", "softmax of the negative", "nn.softmax(-X)"),
    ("hardtanh hardtanh_ Hardtanh", "np.clip", "np.clip(X, -1, 1)"),
    ("hardsigmoid Hardsigmoid", "np.clip", "np.clip(X / 6 + 0.5, 0, 1)"),
    ("hardshrink Hardshrink softshrink Softshrink tanhshrink Tanhshrink threshold threshold_ "
     "Threshold", "np.where", "np.where(X > 0.5, X, 0.0)"),
    ("celu_ selu_", "elu", "nn.elu(X)"),
    ("gumbel_softmax", "softmax of scores with noise",
     "nn.softmax(X + np.random.default_rng(0).gumbel(size=X.shape))"),
    ("pixel_shuffle PixelShuffle pixel_unshuffle PixelUnshuffle channel_shuffle ChannelShuffle",
     "reshape and np.transpose", "np.transpose(images.reshape(2, 1, 4, 2, 8), (0, 1, 3, 2, 4))"),
    ("unfold Unfold im2col", "np.lib.stride_tricks.sliding_window_view, of arrays",
     "np.lib.stride_tricks.sliding_window_view(images, (3, 3), axis=(2, 3))"),
    ("fold Fold col2im", "conv_transpose2d, which adds windows up",
     "nn.conv_transpose2d(images, np.ones((1, 1, 2, 2)))"),
    ("upsample upsample_nearest upsample_bilinear UpsamplingBilinear2d grid_sample affine_grid",
     "interpolate, to another size", "nn.interpolate(images, scale=2)"),
    ("rms_norm local_response_norm LocalResponseNorm CrossMapLRN2d", "layer_norm",
     "nn.layer_norm(X)"),
    ("lp_pool1d lp_pool2d lp_pool3d LPPool1d LPPool2d LPPool3d", "the mean of powers",
     "nn.avg_pool2d(images**2, 2) ** 0.5"),
    ("fractional_max_pool2d fractional_max_pool3d FractionalMaxPool2d FractionalMaxPool3d",
     "adaptive_max_pool2d", "nn.adaptive_max_pool2d(images, 5)"),
    ("max_pool1d_with_indices max_pool2d_with_indices max_pool3d_with_indices "
     "adaptive_max_pool1d_with_indices adaptive_max_pool2d_with_indices max_unpool1d max_unpool2d "
     "MaxUnpool1d MaxUnpool2d", "max_pool2d, without places of the maxima",
     "nn.max_pool2d(images, 2)"),
    ("global_max_pool global_max_pool1d global_max_pool2d GlobalMaxPool",
     "adaptive_max_pool2d, to one number a channel", "nn.adaptive_max_pool2d(images, 1)"),
    ("global_avg_pool1d global_avg_pool2d global_average_pooling GlobalAvgPool "
     "GlobalAveragePooling", "global_avg_pool, whatever the number of axes",
     "nn.global_avg_pool(images)"),
    ("MaxPool3d MaxPool3D MaxPooling3D", "a function in an Activation",
     "nn.Activation(nn.max_pool3d)"),
    ("AvgPool3d AvgPool3D AveragePooling3D", "a function in an Activation",
     "nn.Activation(nn.avg_pool3d)"),
    ("GlobalAvgPool3D GlobalAveragePooling3D", "a function in an Activation",
     "nn.Activation(nn.global_avg_pool)"),
    ("AdaptiveAvgPool1d", "a function in an Activation",
     "nn.Activation(functools.partial(nn.adaptive_avg_pool1d, output_size=1))"),
    ("AdaptiveAvgPool3d", "a function in an Activation",
     "nn.Activation(functools.partial(nn.adaptive_avg_pool3d, output_size=1))"),
    ("AdaptiveMaxPool3d GlobalMaxPool3D GlobalMaxPooling3D", "a function in an Activation",
     "nn.Activation(functools.partial(nn.adaptive_max_pool3d, output_size=1))"),
    ("margin_ranking_loss MarginRankingLoss soft_margin_loss SoftMarginLoss hinge_embedding_loss "
     "multi_margin_loss multilabel_margin_loss MultiLabelMarginLoss triplet_margin_loss "
     "TripletMarginLoss triplet_margin_with_distance_loss TripletMarginWithDistanceLoss",
     "hinge, or a formula as loss=", "np.maximum(0, 1 - X).mean()"),
    ("multilabel_soft_margin_loss MultiLabelSoftMarginLoss", "binary_cross_entropy_with_logits",
     "nn.Trainer(model, loss=\"binary_cross_entropy_with_logits\")"),
    ("gaussian_nll_loss GaussianNLLLoss poisson_nll_loss PoissonNLLLoss ctc_loss CTCLoss",
     "a formula as loss=", "nn.Trainer(model, loss=lambda out, y: (np.exp(out) - out).mean())"),
    ("alpha_dropout feature_alpha_dropout FeatureAlphaDropout", "dropout, or the layer Dropout",
     "nn.Dropout(0.1)"),
    ("multi_head_attention_forward", "scaled_dot_product_attention",
     "nn.scaled_dot_product_attention(images, images, images)"),
    ("ConstantPad1d ConstantPad2d ConstantPad3d CircularPad1d CircularPad2d CircularPad3d "
     "ReflectionPad1d ReflectionPad3d ReplicationPad1d ReplicationPad2d ReplicationPad3d ZeroPad1d "
     "ZeroPad3d", "np.pad", "np.pad(images, ((0, 0), (0, 0), (1, 1), (1, 1)))"),
    ("LazyBatchNorm1d LazyBatchNorm3d", "BatchNorm()", "nn.BatchNorm()"),
    ("LazyInstanceNorm1d LazyInstanceNorm2d", "a function in an Activation",
     "nn.Activation(nn.instance_norm)"),
    ("RNNBase RNNCell", "no recurrent layers; Conv1D along the time", "nn.Conv1D(8, 3)"),
    ("TransformerDecoder TransformerDecoderLayer", "a function in a Layer of your own",
     "nn.scaled_dot_product_attention(images, images, images)"),
    ("NLLLoss2d", "nll", "nn.Trainer(model, loss=\"nll\")"),
    ("Adafactor Muon", "Adam", "nn.Adam(0.001)"),
]
# Of torch.Tensor.
TENSOR: Rows = [
    ("addmm_ addmv addmv_ addr addr_ addbmm addbmm_ baddbmm baddbmm_", "+ and @", "t + t @ t"),
    ("addcmul addcmul_ addcdiv addcdiv_ lerp lerp_", "+, * and /", "t + 0.5 * t * t"),
    ("clamp_min clamp_min_", "np.maximum", "np.maximum(t, 0)"),
    ("clamp_max clamp_max_", "np.minimum", "np.minimum(t, 1)"),
    ("det", "np.linalg.det", "np.linalg.det(t)"),
    ("inverse", "np.linalg.inv", "np.linalg.inv(t)"),
    ("logdet slogdet", "np.linalg.slogdet", "np.linalg.slogdet(t)"),
    ("pinverse cholesky svd eig symeig qr lu lstsq solve matrix_power matrix_exp geqrf orgqr ormqr "
     "cholesky_solve cholesky_inverse triangular_solve lu_solve", "functions of np.linalg",
     "np.linalg.solve(t, t)"),
    ("bernoulli bernoulli_ multinomial normal_ uniform_ random_ exponential_ geometric_ cauchy_ "
     "log_normal_", "a Generator of NumPy's", "np.random.default_rng(0).random(t.shape)"),
    ("byte short char cdouble cfloat chalf", "astype", "t.astype(np.float64)"),
    ("msort cummax cummin kthvalue mode histc unique_consecutive aminmax",
     "a function of NumPy's; argsort is an index that keeps the gradient", "np.sort(t.data)"),
    ("erf erf_ erfc erfc_ erfinv erfinv_ digamma digamma_ lgamma lgamma_ polygamma polygamma_ "
     "mvlgamma mvlgamma_ igamma igamma_ igammac igammac_", "nothing like it; gelu has erf inside",
     "nn.gelu(t)"),
    ("rsqrt rsqrt_", "1 / np.sqrt", "1 / np.sqrt(t)"),
    ("logit logit_", "a formula, here of numbers below 5", "np.log(t / (5 - t))"),
    ("xlogy xlogy_", "a formula", "t * np.log(t)"),
    ("frac frac_", "np.floor", "t - np.floor(t.data)"),
    ("sgn sgn_", "np.sign", "np.sign(t)"),
    ("dist", "np.linalg.norm of a difference", "np.linalg.norm(t - t)"),
    ("renorm renorm_", "a division by np.linalg.norm", "t / np.linalg.norm(t)"),
    ("logcumsumexp", "np.logaddexp.accumulate, of arrays", "np.logaddexp.accumulate(t.data)"),
    ("prelu", "leaky_relu", "nn.leaky_relu(t)"),
    ("hardshrink", "np.where", "np.where(t.data > 0.5, t, 0.0)"),
    ("ger", "np.outer", "np.outer(t, t)"),
    ("scatter scatter_ scatter_add scatter_add_ scatter_reduce scatter_reduce_ index_add "
     "index_add_ index_copy index_copy_ index_fill index_fill_ index_put index_put_ masked_scatter "
     "masked_scatter_ masked_fill_ select_scatter slice_scatter diagonal_scatter",
     "np.where; or one_hot and @ for sums", "nn.one_hot([0, 1]).T @ t"),
    ("narrow narrow_copy index", "a slice or an index", "t[:1]"),
    ("take_along_dim", "np.take_along_axis", "np.take_along_axis(t, np.array([[0], [1]]), axis=1)"),
    ("movedim", "np.moveaxis", "np.moveaxis(t, 0, 1)"),
    ("swapdims swapdims_", "np.swapaxes", "np.swapaxes(t, 0, 1)"),
    ("unflatten sum_to_size resize_as resize_as_ as_strided as_strided_", "reshape",
     "t.reshape(4, 1)"),
    ("unfold", "an index of windows", "t.reshape(-1)[np.arange(2)[:, None] + np.arange(3)]"),
    ("unsqueeze_", "None in an index", "t[:, None]"),
    ("t_ H mH adjoint", "T", "t.T"),
    ("tensor_split split_with_sizes unsafe_split unsafe_chunk unsafe_split_with_sizes", "np.split",
     "np.split(t, 2)"),
    ("diag_embed", "np.diag", "np.diag(t[0])"),
    ("new_zeros new_empty", "np.zeros", "np.zeros(t.shape)"),
    ("new_ones new_full new_tensor new", "NumPy's arrays", "np.ones(t.shape)"),
    ("is_floating_point is_complex is_signed is_nonzero is_same_size", "dtype and shape",
     "t.dtype"),
    ("eq_ ne_ lt_ le_ gt_ ge_", "==, < …, which return arrays", "t > 0"),
    ("is_cpu is_sparse is_quantized is_pinned is_shared is_mps is_xpu is_meta "
     "is_inference is_nested share_memory_ storage untyped_storage storage_offset data_ptr "
     "element_size stride retains_grad name register_post_accumulate_grad_hook to_dense to_sparse "
     "coalesce indices sparse_dim dense_dim resolve_conj resolve_neg", "nothing like it", "t.data"),
    ("apply_ map_", "a function of NumPy's, of all elements at once", "np.exp(t)"),
    ("conj_physical", "real numbers alone", "t.data"),
    ("stft istft", "np.fft, of arrays", "np.fft.rfft(t.data)"),
]
