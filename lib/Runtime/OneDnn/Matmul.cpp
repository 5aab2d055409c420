// abnDnnMatmul: oneDNN's matmul; transposes and leading dimensions are strides of its operands.
#include "Primitives.h"
#include "Runtime/Dnn/Descriptors.h"
#include "Runtime/Dnn/Errors.h"
#include "Staging.h"

using namespace abn::runtime;
using dnnl::memory;

/// [batch, rows, columns], stored by rows or, `transposed`, by columns.
static memory::desc matrices(int64_t batch, int64_t rows, int64_t columns, int64_t leading,
                             int64_t stride, bool transposed) {
  memory::dims strides{stride, transposed ? 1 : leading, transposed ? leading : 1};
  return memory::desc({batch, rows, columns}, memory::data_type::f32, strides);
}

static Prepared prepareMatmul(const AbnDnnMatmul &d) {
  // A batch of one has no stride, and one matrix for all of a batch has size 1 there.
  auto batchOf = [&](int64_t stride) { return stride ? d.batch : 1; };
  auto strideOf = [&](int64_t stride, int64_t rows, int64_t leading) {
    return d.batch > 1 && stride ? stride : rows * leading;
  };
  int64_t lhsRows = d.transposeLhs ? d.k : d.m, rhsRows = d.transposeRhs ? d.n : d.k;
  memory::desc lhs = matrices(batchOf(d.strideLhs), d.m, d.k, d.leadingLhs,
                              strideOf(d.strideLhs, lhsRows, d.leadingLhs), d.transposeLhs);
  memory::desc rhs = matrices(batchOf(d.strideRhs), d.k, d.n, d.leadingRhs,
                              strideOf(d.strideRhs, rhsRows, d.leadingRhs), d.transposeRhs);
  memory::desc result = matrices(d.batch, d.m, d.n, d.leadingResult,
                                 strideOf(d.strideResult, d.m, d.leadingResult), false);
  dnnl::primitive_attr attributes = ownScratchpad();
  if (d.accumulate) {
    dnnl::post_ops sum;
    sum.append_sum(1.0f);
    attributes.set_post_ops(sum);
  }
  dnnl::matmul::primitive_desc pd({lhs, rhs, result}, attributes, cpuEngine());
  return prepare(dnnl::matmul(pd), pd.scratchpad_desc(),
                 {{DNNL_ARG_SRC, lhs, lhs, false, {}},
                  {DNNL_ARG_WEIGHTS, rhs, rhs, false, {}},
                  {DNNL_ARG_DST, result, result, true, {}}});
}

/// Elements from the first to the last that is read or written.
static int64_t span(int64_t batch, int64_t stride, int64_t rows, int64_t columns, int64_t leading) {
  return (batch - 1) * stride + (rows - 1) * leading + columns;
}

void abnDnnMatmul(const int64_t *descriptor, const void *lhs, const void *rhs, void *result,
                  void *workspace, int64_t workspaceBytes, void *) {
  static auto *cache = new PrimitiveCache;
  guarded(
      "abnDnnMatmul", [&] { return describeMatmul(descriptor); },
      [&] {
        const AbnDnnMatmul &d = readMatmul(descriptor);
        Source a(lhs, d.element,
                 d.transposeLhs ? span(d.batch, d.strideLhs, d.k, d.m, d.leadingLhs)
                                : span(d.batch, d.strideLhs, d.m, d.k, d.leadingLhs));
        Source b(rhs, d.element,
                 d.transposeRhs ? span(d.batch, d.strideRhs, d.n, d.k, d.leadingRhs)
                                : span(d.batch, d.strideRhs, d.k, d.n, d.leadingRhs));
        // What lies between the rows of the result is kept, as is what is added to.
        bool hasGaps =
            d.leadingResult > d.n || (d.batch > 1 && d.strideResult > d.m * d.leadingResult);
        Result c(result, d.resultElement, span(d.batch, d.strideResult, d.m, d.n, d.leadingResult),
                 d.accumulate || hasGaps);
        run(cache->get(keyOf(d), [&] { return prepareMatmul(d); }), {a.get(), b.get(), c.get()},
            {workspace, workspaceBytes});
        c.finish();
      });
}
