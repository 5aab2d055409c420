// Which dying operand's buffer a result takes over: one rule for whoever counts live bytes.
#ifndef ABN_PLAN_TAKEOVER_H
#define ABN_PLAN_TAKEOVER_H

#include "abn/Plan/StepGraph.h"

namespace mlir::abn::plan {

/// The read of `op` whose buffer `result`, one of its results, takes over; kNone for a new buffer.
/// `isLeft` says of a read whether its contents die at the op and no other result has taken them.
template <typename Predicate>
unsigned findTakeover(const StepGraph &graph, const GraphOp &op, const GraphResult &result,
                      Predicate isLeft) {
  auto canTake = [&](unsigned read) {
    const GraphValue &value = graph.values[op.reads[read]];
    return value.bytes == graph.values[result.value].bytes &&
           (!value.isExternal || value.isDonated) && isLeft(read);
  };
  if (result.tiedTo != kNone)
    return !result.isTiedCopied && canTake(result.tiedTo) ? result.tiedTo : kNone;
  // A donated buffer first: what it saves is in the arena to the end.
  unsigned found = kNone;
  for (unsigned read : result.reusable) {
    if (!canTake(read))
      continue;
    if (graph.values[op.reads[read]].isDonated)
      return read;
    if (found == kNone)
      found = read;
  }
  return found;
}

} // namespace mlir::abn::plan

#endif // ABN_PLAN_TAKEOVER_H
