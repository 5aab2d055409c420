// A libcudnn.so.9 that computes convolutions by plain loops over what its descriptors say, and
// offers algorithms of all kinds: fast ones that may not be taken, and ones that need a workspace.
#include "Fake.h"
#include "FakeElements.h"
#include "Runtime/Cuda/Declarations.h"
#include <cstring>
#include <functional>
#include <vector>

using namespace abn::cuda;
using namespace abn::fake;

static constexpr int kBadParam = 2000, kUnsupported = 3000;

namespace {
struct Tensor {
  int type = -1;
  std::vector<int> sizes, strides;
};
struct Filter {
  int type = -1, format = 0;
  std::vector<int> sizes;
};
struct Convolution {
  std::vector<int> pads, strides, dilations;
  int groups = 1, math = -1;
};
} // namespace

ABN_FAKE const char *cudnnGetErrorString(int status) {
  return status == 1001   ? "CUDNN_STATUS_NOT_INITIALIZED"
         : status == 2000 ? "CUDNN_STATUS_BAD_PARAM"
         : status == 5000 ? "CUDNN_STATUS_EXECUTION_FAILED"
                          : "CUDNN_STATUS_OTHER";
}

ABN_FAKE void cudnnGetLastErrorString(char *message, size_t size) {
  std::snprintf(message, size, "%s",
                std::getenv("ABN_FAKE_CUDNN_DETAILS") ? std::getenv("ABN_FAKE_CUDNN_DETAILS") : "");
}

ABN_FAKE int cudnnCreate(void **handle) {
  ABN_FAKE_FAILURE;
  *handle = new char;
  return 0;
}
ABN_FAKE int cudnnSetStream(void *, void *) {
  ABN_FAKE_FAILURE;
  return 0;
}

template <typename T> static int make(void **descriptor) {
  *descriptor = new T;
  return 0;
}
template <typename T> static int destroy(void *descriptor) {
  delete static_cast<T *>(descriptor);
  return 0;
}
ABN_FAKE int cudnnCreateTensorDescriptor(void **d) { return make<Tensor>(d); }
ABN_FAKE int cudnnDestroyTensorDescriptor(void *d) { return destroy<Tensor>(d); }
ABN_FAKE int cudnnCreateFilterDescriptor(void **d) { return make<Filter>(d); }
ABN_FAKE int cudnnDestroyFilterDescriptor(void *d) { return destroy<Filter>(d); }
ABN_FAKE int cudnnCreateConvolutionDescriptor(void **d) { return make<Convolution>(d); }
ABN_FAKE int cudnnDestroyConvolutionDescriptor(void *d) { return destroy<Convolution>(d); }
ABN_FAKE int cudnnCreateActivationDescriptor(void **d) { return make<int>(d); }
ABN_FAKE int cudnnDestroyActivationDescriptor(void *d) { return destroy<int>(d); }

ABN_FAKE int cudnnSetTensorNdDescriptor(void *d, int type, int rank, const int *sizes,
                                        const int *strides) {
  if (rank < 4 || rank > 5) // What the real one's convolutions take.
    return kBadParam;
  *static_cast<Tensor *>(d) = {type, {sizes, sizes + rank}, {strides, strides + rank}};
  return 0;
}
ABN_FAKE int cudnnSetFilterNdDescriptor(void *d, int type, int format, int rank, const int *sizes) {
  *static_cast<Filter *>(d) = {type, format, {sizes, sizes + rank}};
  return 0;
}
ABN_FAKE int cudnnSetConvolutionNdDescriptor(void *d, int rank, const int *pads, const int *strides,
                                             const int *dilations, int mode, int compute) {
  if (mode != CUDNN_CROSS_CORRELATION || compute != CUDNN_DATA_FLOAT)
    return kBadParam;
  auto *c = static_cast<Convolution *>(d);
  c->pads.assign(pads, pads + rank);
  c->strides.assign(strides, strides + rank);
  c->dilations.assign(dilations, dilations + rank);
  return 0;
}
ABN_FAKE int cudnnSetConvolutionGroupCount(void *d, int groups) {
  static_cast<Convolution *>(d)->groups = groups;
  return 0;
}
ABN_FAKE int cudnnSetConvolutionMathType(void *d, int math) {
  static_cast<Convolution *>(d)->math = math;
  return 0;
}
ABN_FAKE int cudnnSetActivationDescriptor(void *d, int mode, int, double) {
  *static_cast<int *>(d) = mode;
  return 0;
}

//===----------------------------------------------------------------------===//
// Algorithms
//===----------------------------------------------------------------------===//

/// The fastest first. Which of them may be taken for f32: 1, 0 and 2.
static const AlgorithmPerformance kOffered[] = {
    {6, 3001, 0.5f, 0, CUDNN_DETERMINISTIC, CUDNN_FMA_MATH, {}}, // not supported here
    {5, 0, 1.0f, 0, 0, CUDNN_FMA_MATH, {}},                      // not deterministic
    {7, 0, 1.5f, 64, CUDNN_DETERMINISTIC, CUDNN_TENSOR_OP_MATH_ALLOW_CONVERSION, {}}, // rounds f32
    {1, 0, 2.0f, 100000, CUDNN_DETERMINISTIC, CUDNN_FMA_MATH, {}},
    {0, 0, 3.0f, 5000, CUDNN_DETERMINISTIC, CUDNN_FMA_MATH, {}},
    {2, 0, 4.0f, 0, CUDNN_DETERMINISTIC, CUDNN_DEFAULT_MATH, {}},
};

static int offer(int requested, int *returned, AlgorithmPerformance *performance) {
  if (std::getenv("ABN_FAKE_CUDNN_UNSUPPORTED"))
    return kUnsupported;
  *returned = 0;
  for (const AlgorithmPerformance &each : kOffered)
    if (*returned < requested)
      performance[(*returned)++] = each;
  return 0;
}

ABN_FAKE int cudnnGetConvolutionForwardAlgorithm_v7(void *, void *, void *, void *, void *,
                                                    int requested, int *returned,
                                                    AlgorithmPerformance *p) {
  ABN_FAKE_FAILURE;
  return offer(requested, returned, p);
}
ABN_FAKE int cudnnGetConvolutionBackwardDataAlgorithm_v7(void *, void *, void *, void *, void *,
                                                         int requested, int *returned,
                                                         AlgorithmPerformance *p) {
  ABN_FAKE_FAILURE;
  return offer(requested, returned, p);
}
ABN_FAKE int cudnnGetConvolutionBackwardFilterAlgorithm_v7(void *, void *, void *, void *, void *,
                                                           int requested, int *returned,
                                                           AlgorithmPerformance *p) {
  ABN_FAKE_FAILURE;
  return offer(requested, returned, p);
}

//===----------------------------------------------------------------------===//
// Computing
//===----------------------------------------------------------------------===//

static Element elementOf(int type) {
  return type == CUDNN_DATA_FLOAT  ? Element::F32
         : type == CUDNN_DATA_HALF ? Element::F16
                                   : Element::BF16;
}

/// The element of a tensor or filter at an index per dimension.
static int64_t at(const std::vector<int64_t> &strides, const std::vector<int> &index) {
  int64_t sum = 0;
  for (size_t i = 0; i < index.size(); ++i)
    sum += strides[i] * index[i];
  return sum;
}
static std::vector<int64_t> stridesOf(const Filter &f) {
  std::vector<int64_t> strides(f.sizes.size());
  int64_t stride = 1;
  auto take = [&](size_t dim) { strides[dim] = stride, stride *= f.sizes[dim]; };
  if (f.format == CUDNN_TENSOR_NHWC)
    take(1);
  for (size_t dim = f.sizes.size() - 1; dim > 1; --dim)
    take(dim);
  if (f.format == CUDNN_TENSOR_NCHW)
    take(1);
  take(0);
  return strides;
}
static int64_t count(const std::vector<int> &sizes) {
  int64_t product = 1;
  for (int size : sizes)
    product *= size;
  return product;
}
/// The n-th index of an array of `sizes`.
static std::vector<int> indexOf(int64_t n, const std::vector<int> &sizes) {
  std::vector<int> index(sizes.size());
  for (size_t dim = sizes.size(); dim-- > 0; n /= sizes[dim])
    index[dim] = static_cast<int>(n % sizes[dim]);
  return index;
}

namespace {
/// A convolution as its descriptors describe it.
struct Problem {
  const Tensor &x;
  const Filter &w;
  const Convolution &c;
  const Tensor &y;
  std::vector<int64_t> xs{x.strides.begin(), x.strides.end()},
      ws = stridesOf(w), ys{y.strides.begin(), y.strides.end()};

  bool isValid() const {
    size_t rank = x.sizes.size();
    if (w.sizes.size() != rank || y.sizes.size() != rank || c.pads.size() + 2 != rank ||
        x.type != w.type || x.type != y.type || x.sizes[0] != y.sizes[0] ||
        y.sizes[1] != w.sizes[0] || x.sizes[1] != w.sizes[1] * c.groups || w.sizes[0] % c.groups)
      return false;
    for (size_t i = 0; i + 2 < rank; ++i) {
      int extent = c.dilations[i] * (w.sizes[i + 2] - 1) + 1;
      int steps = x.sizes[i + 2] + 2 * c.pads[i] - extent;
      if (steps < 0 || steps / c.strides[i] + 1 != y.sizes[i + 2])
        return false;
    }
    return true;
  }

  /// Calls `visit(element of y, of x, of w)` for every product.
  void forEach(const std::function<void(int64_t, int64_t, int64_t)> &visit) const {
    int64_t outputs = count(y.sizes), taps = count(w.sizes) / w.sizes[0];
    std::vector<int> tapSizes(w.sizes.begin() + 1, w.sizes.end());
    for (int64_t o = 0; o < outputs; ++o) {
      std::vector<int> yi = indexOf(o, y.sizes);
      for (int64_t t = 0; t < taps; ++t) {
        std::vector<int> tap = indexOf(t, tapSizes), wi = tap, xi = yi;
        wi.insert(wi.begin(), yi[1]);
        xi[1] = yi[1] / (w.sizes[0] / c.groups) * w.sizes[1] + tap[0];
        bool isInside = true;
        for (size_t i = 0; i + 2 < xi.size(); ++i) {
          xi[i + 2] = yi[i + 2] * c.strides[i] - c.pads[i] + tap[i + 1] * c.dilations[i];
          isInside = isInside && xi[i + 2] >= 0 && xi[i + 2] < x.sizes[i + 2];
        }
        if (isInside)
          visit(at(ys, yi), at(xs, xi), at(ws, wi));
      }
    }
  }
};
} // namespace

/// Whether a call may be made like this; writes all of the workspace.
static bool isAllowed(const char *call, const Problem &p, int algorithm, void *workspace,
                      size_t bytes) {
  const AlgorithmPerformance *chosen = nullptr;
  for (const AlgorithmPerformance &each : kOffered)
    if (each.algorithm == algorithm)
      chosen = &each;
  log("%s algorithm %d math %d workspace %zu", call, algorithm, p.c.math, bytes);
  if (!p.isValid() || !chosen || bytes < chosen->memory || p.c.math != chosen->mathType ||
      (bytes && (!workspace || reinterpret_cast<uintptr_t>(workspace) % 256)))
    return false;
  if (bytes)
    std::memset(workspace, 0xee, bytes);
  return true;
}

/// Adds `products` into `size` elements and stores them where `places` says.
static void accumulate(const Problem &p, const void *left, const void *right, void *result,
                       const std::vector<int> &sizes, const std::vector<int64_t> &strides,
                       int which, const void *bias = nullptr) {
  Element element = elementOf(p.x.type);
  int64_t span = 1;
  for (size_t i = 0; i < sizes.size(); ++i)
    span += (sizes[i] - 1) * strides[i];
  std::vector<double> sums(span, 0.0);
  p.forEach([&](int64_t y, int64_t x, int64_t w) {
    int64_t target = which == 0 ? y : which == 1 ? x : w;
    int64_t a = which == 0 ? x : y, b = which == 2 ? x : w;
    sums[target] += load(element, left, a) * load(element, right, b);
  });
  for (int64_t i = 0; i < count(sizes); ++i) {
    std::vector<int> index = indexOf(i, sizes);
    int64_t place = at(strides, index);
    store(element, result, place, sums[place] + (bias ? load(element, bias, index[1]) : 0.0));
  }
}

static Problem problem(void *x, void *w, void *c, void *y) {
  return {*static_cast<Tensor *>(x), *static_cast<Filter *>(w), *static_cast<Convolution *>(c),
          *static_cast<Tensor *>(y)};
}

ABN_FAKE int cudnnConvolutionForward(void *, const void *, void *xd, const void *x, void *wd,
                                     const void *w, void *cd, int algorithm, void *workspace,
                                     size_t bytes, const void *, void *yd, void *y) {
  ABN_FAKE_FAILURE;
  Problem p = problem(xd, wd, cd, yd);
  if (!isAllowed(__func__, p, algorithm, workspace, bytes))
    return kBadParam;
  accumulate(p, x, w, y, p.y.sizes, p.ys, 0);
  return 0;
}

ABN_FAKE int cudnnConvolutionBiasActivationForward(void *, const void *, void *xd, const void *x,
                                                   void *wd, const void *w, void *cd, int algorithm,
                                                   void *workspace, size_t bytes,
                                                   const void *alpha2, void *, const void *,
                                                   void *bd, const void *b, void *ad, void *yd,
                                                   void *y) {
  ABN_FAKE_FAILURE;
  Problem p = problem(xd, wd, cd, yd);
  auto &bias = *static_cast<Tensor *>(bd);
  float scale;
  std::memcpy(&scale, alpha2, sizeof scale);
  if (!isAllowed(__func__, p, algorithm, workspace, bytes) || scale != 0 ||
      algorithm != CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_PRECOMP_GEMM ||
      *static_cast<int *>(ad) != CUDNN_ACTIVATION_IDENTITY || count(bias.sizes) != p.y.sizes[1] ||
      bias.sizes[1] != p.y.sizes[1] || bias.type != p.y.type)
    return kBadParam;
  accumulate(p, x, w, y, p.y.sizes, p.ys, 0, b);
  return 0;
}

ABN_FAKE int cudnnConvolutionBackwardData(void *, const void *, void *wd, const void *w, void *yd,
                                          const void *dy, void *cd, int algorithm, void *workspace,
                                          size_t bytes, const void *, void *xd, void *dx) {
  ABN_FAKE_FAILURE;
  Problem p = problem(xd, wd, cd, yd);
  if (!isAllowed(__func__, p, algorithm, workspace, bytes))
    return kBadParam;
  accumulate(p, dy, w, dx, p.x.sizes, p.xs, 1);
  return 0;
}

ABN_FAKE int cudnnConvolutionBackwardFilter(void *, const void *, void *xd, const void *x, void *yd,
                                            const void *dy, void *cd, int algorithm,
                                            void *workspace, size_t bytes, const void *, void *wd,
                                            void *dw) {
  ABN_FAKE_FAILURE;
  Problem p = problem(xd, wd, cd, yd);
  if (!isAllowed(__func__, p, algorithm, workspace, bytes))
    return kBadParam;
  accumulate(p, dy, x, dw, p.w.sizes, p.ws, 2);
  return 0;
}

//===----------------------------------------------------------------------===//
// Batch norm and ReLU: what benchmarks/gpu.py compares with. Checked and logged, not computed.
//===----------------------------------------------------------------------===//

/// Whether the operands belong together: full-size tensors of one shape, vectors of f32 per
/// channel.
static bool isBatchNorm(const std::vector<void *> &full, void *vector,
                        const std::vector<const void *> &data) {
  auto &first = *static_cast<Tensor *>(full.front()), &channels = *static_cast<Tensor *>(vector);
  bool good = channels.type == CUDNN_DATA_FLOAT && count(channels.sizes) == first.sizes[1] &&
              channels.sizes[1] == first.sizes[1];
  for (void *each : full)
    good = good && static_cast<Tensor *>(each)->sizes == first.sizes;
  for (const void *each : data)
    good = good && each;
  return good;
}

ABN_FAKE int cudnnBatchNormalizationForwardTraining(void *, int mode, const void *, const void *,
                                                    void *xd, const void *x, void *yd, void *y,
                                                    void *vd, const void *scale, const void *bias,
                                                    double, void *mean, void *variance,
                                                    double epsilon, void *savedMean,
                                                    void *savedScale) {
  ABN_FAKE_FAILURE;
  log("%s mode %d", __func__, mode);
  return epsilon == 1e-5 && isBatchNorm({xd, yd}, vd,
                                        {x, y, scale, bias, mean, variance, savedMean, savedScale})
             ? 0
             : kBadParam;
}

ABN_FAKE int cudnnBatchNormalizationBackward(void *, int mode, const void *, const void *,
                                             const void *, const void *, void *xd, const void *x,
                                             void *dyd, const void *dy, void *dxd, void *dx,
                                             void *vd, const void *scale, void *dScale, void *dBias,
                                             double epsilon, const void *savedMean,
                                             const void *savedScale) {
  ABN_FAKE_FAILURE;
  log("%s mode %d", __func__, mode);
  return epsilon == 1e-5 && isBatchNorm({xd, dyd, dxd}, vd,
                                        {x, dy, dx, scale, dScale, dBias, savedMean, savedScale})
             ? 0
             : kBadParam;
}

ABN_FAKE int cudnnActivationForward(void *, void *ad, const void *, void *xd, const void *x,
                                    const void *, void *yd, void *y) {
  ABN_FAKE_FAILURE;
  log("%s mode %d", __func__, *static_cast<int *>(ad));
  return x && y && static_cast<Tensor *>(xd)->sizes == static_cast<Tensor *>(yd)->sizes ? 0
                                                                                        : kBadParam;
}

ABN_FAKE int cudnnActivationBackward(void *, void *ad, const void *, void *, const void *y, void *,
                                     const void *dy, void *, const void *x, const void *, void *,
                                     void *dx) {
  ABN_FAKE_FAILURE;
  log("%s mode %d", __func__, *static_cast<int *>(ad));
  return y && dy && x && dx ? 0 : kBadParam;
}
