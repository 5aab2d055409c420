// A training step as the planner sees it: values with sizes, ops that read and produce them, the
// order they were traced in. Plain C++ without MLIR.
#ifndef ABN_PLAN_STEPGRAPH_H
#define ABN_PLAN_STEPGRAPH_H

#include <cstdint>
#include <vector>

namespace mlir::abn::plan {

/// "No op", "no read".
constexpr unsigned kNone = ~0u;

/// What a value is to the planner.
struct GraphValue {
  /// Bytes of its buffer, 0 for scalars.
  int64_t bytes = 0;
  /// The op that gives the value again from other values (elementwise work, data movement, or, if
  /// `GraphOp::heavy`, a convolution); kNone if it cannot be computed again.
  unsigned recipe = kNone;
  /// Ops that give it back from what was computed of it (equal up to rounding): an operand of a sum
  /// from the sum and the other operand, an activation's input from its output. Values that give
  /// each other back form a class, of which one fewer is kept.
  std::vector<unsigned> rebuilds;
  /// May be in the buffer of another value: what a call or a loop returns, one of several values.
  /// A schedule counts it in full, a lower bound as nothing.
  bool mayShowOther = false;
  /// Returned by the function: live to the end.
  bool isOutput = false;
  /// A buffer that the caller owns: always available, no bytes in the arena.
  bool isExternal = false;
  /// An external buffer that may be overwritten once nothing reads it any more.
  bool isDonated = false;
};

/// A value that an op computes.
struct GraphResult {
  unsigned value = kNone;
  /// The read whose contents the op updates in place; if that value lives on, it is copied first.
  unsigned tiedTo = kNone;
  /// The op also reads the tied operand where it may have been updated by then: always copied.
  bool isTiedCopied = false;
  /// The reads whose buffer the result may take over if they die at this op.
  std::vector<unsigned> reusable;
};

/// An op of the step, or a recipe that is not in the traced order.
struct GraphOp {
  std::vector<unsigned> reads; // values
  std::vector<GraphResult> results;
  /// Floating-point operations.
  int64_t flops = 0;
  /// A convolution or matmul: computed again only to meet a budget.
  bool isHeavy = false;
  /// Whether the loss depends on it.
  bool isForward = false;
  /// Gives back what is not kept, in the graph as it came: its results count as computed again.
  bool isRecomputation = false;
  /// Computes each element from the elements at the same place: fuses with others of its kind.
  bool isElementwise = false;
};

struct StepGraph {
  std::vector<GraphValue> values;
  std::vector<GraphOp> ops;
  /// The traced order; every op that is not only a recipe stands in it once.
  std::vector<unsigned> order;
};

/// The values that `op` reads, each once, in ascending order.
std::vector<unsigned> getDistinctReads(const GraphOp &op);

/// A schedule: the ops to run, in order. An op that stands in it again is a recomputation; a read
/// refers to the last computation of its value before it.
using Schedule = std::vector<unsigned>;

/// A buffer of a schedule.
struct PlannedBuffer {
  int64_t bytes = 0;
  unsigned lower = 0, upper = 0; // steps, inclusive
};

/// What recomputation costs.
struct RecomputeCost {
  /// Bytes that ops write which compute again or give back what is not kept. What only the next
  /// elementwise one of them reads is not written (abn-fuse-recomputation).
  int64_t bytes = 0;
  int64_t flops = 0;
  int64_t heavyOps = 0;
};

/// What a schedule needs.
struct Evaluation {
  std::vector<PlannedBuffer> buffers;
  /// The buffer of each result of each step; kNone for external ones.
  std::vector<std::vector<unsigned>> bufferOf;
  /// For each result of each step the read whose buffer it took over; kNone for a new buffer.
  std::vector<std::vector<unsigned>> takenFrom;
  /// Bytes live at each step.
  std::vector<int64_t> live;
  int64_t maxLive = 0;
  /// Tied results that could not take over their operand.
  unsigned copies = 0;
  RecomputeCost cost;
};

/// Whether every read of `schedule` has been computed before it (or is external) and every output
/// and every op of the traced order is there.
bool isComplete(const StepGraph &graph, const Schedule &schedule);

/// Lifetimes, takeovers and costs of a complete schedule; linear. Sizes count as they are: what
/// alignment adds, the packer knows.
Evaluation evaluate(const StepGraph &graph, const Schedule &schedule);

/// The bytes of the smallest arena known for the buffers of `evaluation`, each at a multiple of
/// `alignment`, after at most `nodeLimit` steps of search.
int64_t packArena(const Evaluation &evaluation, int64_t alignment, int64_t nodeLimit);

} // namespace mlir::abn::plan

#endif // ABN_PLAN_STEPGRAPH_H
