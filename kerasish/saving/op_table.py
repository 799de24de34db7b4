"""How the operations of Keras are written in files: their module, their class, and what stands in their config.

Keras has a class for each function of `keras.ops`. A call in a file is a node of that class: some arguments of the
function are the config of the class (listed here), the others are the arguments of the call. Facts about the file
format, taken from Keras 3.15.
"""

from __future__ import annotations

import re
from typing import NamedTuple

# A line: the class, "=function" where the function's name is not the class's in snake case, and the config's keys.
_TABLE = {
    "core": """
        Cond; Map; SliceUpdate; StopGradient; Switch;
        AssociativeScan reverse axis;
        Cast dtype;
        ConvertToTensor dtype sparse ragged;
        ForiLoop lower upper body_fun;
        SaturateCast dtype;
        Scan length reverse unroll;
        Scatter shape;
        ScatterUpdate reduction;
        Slice shape;
        Unstack num axis;
        VectorizedMap function;
        WhileLoop cond body maximum_iterations;
    """,
    "image": """
        AffineTransform interpolation fill_mode fill_value data_format;
        CropImages top_cropping left_cropping bottom_cropping right_cropping target_height target_width data_format;
        ElasticTransform alpha sigma interpolation fill_mode fill_value seed data_format;
        ExtractPatches size strides dilation_rate padding data_format;
        GaussianBlur kernel_size sigma data_format;
        HSVToRGB data_format;
        MapCoordinates order fill_mode fill_value;
        PadImages top_padding left_padding bottom_padding right_padding target_height target_width data_format;
        PerspectiveTransform interpolation fill_value data_format;
        RGBToGrayscale data_format;
        RGBToHSV data_format;
        Resize size interpolation antialias crop_to_aspect_ratio pad_to_aspect_ratio fill_mode fill_value data_format;
        SSIM max_val filter_size filter_sigma k1 k2 data_format;
        ScaleAndTranslate spatial_dims method antialias;
        SobelEdges data_format;
    """,
    "linalg": """
        Det; Eig; Eigh; Inv; LuFactor; Solve;
        Cholesky upper;
        CholeskyInverse upper;
        JVP has_aux;
        Lstsq rcond;
        MatrixRank tol;
        Norm ord axis keepdims;
        Pinv rcond;
        Qr mode;
        SVD full_matrices compute_uv;
        SolveTriangular lower;
    """,
    "math": """
        Erf; Erfc; Erfinv; FFT; FFT2; IFFT2; Logdet; Rsqrt; ViewAsComplex; ViewAsReal;
        CDist=cdist;
        ExtractSequences sequence_length sequence_stride;
        IRFFT fft_length;
        ISTFT sequence_length sequence_stride fft_length length window center;
        InTopK k;
        Logsumexp axis keepdims;
        RFFT fft_length;
        STFT sequence_length sequence_stride fft_length window center;
        SegmentMax num_segments sorted;
        SegmentMin num_segments sorted;
        SegmentProd num_segments sorted;
        SegmentSum num_segments sorted;
        TopK k sorted;
    """,
    "nn": """
        HardSigmoid; HardSilu; HardTanh; LogSigmoid; Polar; Relu; Relu6; Selu; Sigmoid; Silu; Softplus;
        Softsign; SparsePlus; SparseSigmoid; TanhShrink;
        AdaptiveAveragePool output_size data_format;
        AdaptiveMaxPool output_size data_format;
        AveragePool pool_size strides padding data_format;
        BatchNorm=batch_normalization axis epsilon;
        BinaryCrossentropy from_logits;
        CTCDecode strategy beam_width top_paths merge_repeated mask_index;
        CTCLoss mask_index;
        CategoricalCrossentropy from_logits axis;
        Celu alpha;
        Conv strides padding data_format dilation_rate;
        ConvTranspose strides padding output_padding data_format dilation_rate;
        DepthToSpace block_size data_format;
        DepthwiseConv strides padding data_format dilation_rate;
        DotProductAttention is_causal flash_attention attn_logits_soft_cap;
        Elu alpha;
        Fold output_size kernel_size dilation padding stride;
        Gelu approximate;
        Glu axis;
        HardShrink threshold;
        LayerNorm=layer_normalization axis epsilon rms_scaling;
        LeakyRelu negative_slope;
        LogSoftmax axis;
        MaxPool pool_size strides padding data_format;
        Moments axes keepdims synchronized;
        MultiHot num_classes axis dtype sparse;
        Normalize axis order epsilon;
        OneHot num_classes axis dtype sparse;
        PSNR max_val;
        RMSNorm=rms_normalization axis epsilon;
        SeparableConv strides padding data_format dilation_rate;
        SoftShrink threshold;
        Softmax axis;
        SpaceToDepth block_size data_format;
        SparseCategoricalCrossentropy from_logits axis;
        Sparsemax axis;
        Squareplus b;
        Threshold threshold default_value;
        Unfold kernel_size dilation padding stride;
    """,
    "numpy": """
        Absolute; Add; Angle; Arccos; Arccosh; Arcsin; Arcsinh; Arctan; Arctan2; Arctanh; BitwiseAnd;
        BitwiseInvert; BitwiseLeftShift; BitwiseNot; BitwiseOr; BitwiseRightShift; BitwiseXor; Cbrt; Ceil;
        Conjugate; Copy; Corrcoef; Cos; Cosh; Deg2rad; Digitize; Divide; DivideNoNan; Dot; Dstack; Equal;
        Exp; Exp2; Expm1; Fabs; Fliplr; Flipud; Floor; FloorDivide; Fmax; Fmin; Fmod; Gcd; GetItem;
        Greater; GreaterEqual; Heaviside; Hstack; Hypot; I0; Imag; Inner; Isfinite; Isinf; Isnan; Isneginf;
        Isposinf; Isreal; Kron; Lcm; Ldexp; LeftShift; Less; LessEqual; Log; Log10; Log1p; Log2; Logaddexp;
        Logaddexp2; LogicalAnd; LogicalNot; LogicalOr; LogicalXor; Matmul; Maximum; Minimum; Mod; Multiply;
        Ndim; Negative; Nextafter; Nonzero; NotEqual; Outer; Power; Rad2deg; Ravel; Real; Reciprocal;
        RightShift; Select; Sign; Signbit; Sin; Sinc; Sinh; Size; Slogdet; Sqrt; Square; Subtract; Tan;
        Tanh; TrueDivide; Trunc; Vdot; Vstack; Where;
        All axis keepdims;
        AllClose=allclose rtol atol equal_nan;
        Amax axis keepdims;
        Amin axis keepdims;
        Any axis keepdims;
        Append axis;
        Arange dtype;
        Argmax axis keepdims;
        Argmin axis keepdims;
        Argpartition kth axis;
        Argsort axis;
        Array dtype;
        ArraySplit indices_or_sections axis;
        Average axis;
        Bincount weights minlength sparse;
        BroadcastTo shape;
        Clip x_min x_max;
        Concatenate axis;
        Correlate mode;
        CountNonzero axis;
        Cross axisa axisb axisc axis;
        Cumprod axis dtype;
        Cumsum axis dtype;
        Diag k;
        Diagflat k;
        Diagonal offset axis1 axis2;
        Diff n axis;
        Dsplit indices_or_sections;
        Einsum subscripts;
        EmptyLike dtype;
        ExpandDims axis;
        Flip axis;
        Full shape dtype;
        FullLike dtype;
        Geomspace num endpoint dtype axis;
        Histogram bins range;
        Hsplit indices_or_sections;
        IsIn=isin assume_unique invert;
        Isclose equal_nan;
        Linspace num endpoint retstep dtype axis;
        Logspace num endpoint base dtype axis;
        Max axis keepdims initial;
        Mean axis keepdims;
        Median axis keepdims;
        Meshgrid indexing;
        Min axis keepdims initial;
        Moveaxis source destination;
        NanToNum nan posinf neginf;
        Nanargmax axis keepdims;
        Nanargmin axis keepdims;
        Nancumprod axis dtype;
        Nancumsum axis dtype;
        Nanmax axis keepdims;
        Nanmean axis keepdims;
        Nanmedian axis keepdims;
        Nanmin axis keepdims;
        Nanpercentile axis method keepdims;
        Nanprod axis keepdims;
        Nanquantile axis method keepdims;
        Nanstd axis keepdims;
        Nansum axis keepdims;
        Nanvar axis keepdims;
        OnesLike dtype;
        Pad pad_width mode;
        Percentile axis method keepdims;
        Prod axis keepdims dtype;
        Ptp axis keepdims;
        Quantile axis method keepdims;
        Repeat repeats axis;
        Reshape newshape;
        Roll shift axis;
        Rot90 k axes;
        Round decimals;
        SearchSorted=searchsorted side;
        Sort axis;
        Split indices_or_sections axis;
        Squeeze axis;
        Stack axis;
        Std axis keepdims;
        Sum axis keepdims;
        Swapaxes axis1 axis2;
        Take axis;
        TakeAlongAxis axis;
        Tensordot axes;
        Tile repeats;
        Trace offset axis1 axis2;
        Transpose axes;
        Trapezoid x dx axis;
        Tril k;
        Triu k;
        Unique sorted return_index return_inverse return_counts axis size fill_value;
        UnravelIndex shape;
        Vander N increasing;
        Var axis keepdims;
        View dtype;
        Vsplit indices_or_sections;
        ZerosLike dtype;
    """,
}


class OpEntry(NamedTuple):
    """An operation in files: the function of `kerasish.ops`, and how Keras writes a call of it."""

    function: str
    module: str
    class_name: str
    config_keys: tuple[str, ...]


def _snake(name: str) -> str:
    name = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub("([a-z])([A-Z])", r"\1_\2", name).lower()


def _parse() -> list[OpEntry]:
    entries = []
    for family, text in _TABLE.items():
        for item in text.split(";"):
            words = item.split()
            if not words:
                continue
            class_name, _, function = words[0].partition("=")
            entries.append(
                OpEntry(function or _snake(class_name), f"keras.src.ops.{family}", class_name, tuple(words[1:]))
            )
    return entries


_ENTRIES = _parse()
BY_FUNCTION = {entry.function: entry for entry in _ENTRIES}
BY_CLASS = {entry.class_name: entry for entry in _ENTRIES}
