// Random step graphs with what real ones have: batch norms, elementwise chains, updates in place,
// convolutions, constants, donated arguments.
#ifndef ABN_TEST_UNIT_PLAN_RANDOMGRAPH_H
#define ABN_TEST_UNIT_PLAN_RANDOMGRAPH_H

#include "abn/Plan/StepGraph.h"
#include <string>

namespace planner_test {

/// The same numbers on every machine, which the standard's distributions are not.
class Random {
public:
  explicit Random(uint64_t seed) : state(seed * 0x9E3779B97F4A7C15 + 1) {}
  /// A number below `count`.
  unsigned below(unsigned count) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return static_cast<unsigned>((state >> 20) % count);
  }
  bool chance(unsigned percent) { return below(100) < percent; }

private:
  uint64_t state;
};

struct GraphShape {
  unsigned ops = 20;
  /// How many ops in a hundred are convolutions.
  unsigned heavyPercent = 15;
  bool hasDonated = true;
};

/// A graph in which every op reads what is computed before it, and forward is what one value (the
/// loss) depends on.
mlir::abn::plan::StepGraph makeRandomGraph(uint64_t seed, const GraphShape &shape);

/// A training step: layers of convolutions, batch norms, activations and sums, a loss, and their
/// gradients, which read the forward's values, with updates of the weights.
mlir::abn::plan::StepGraph makeTrainingStep(uint64_t seed, unsigned layers, bool hasDonated);

/// The graph as text, for a message.
std::string describe(const mlir::abn::plan::StepGraph &graph);

} // namespace planner_test

#endif // ABN_TEST_UNIT_PLAN_RANDOMGRAPH_H
