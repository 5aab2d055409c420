// Builds random step graphs, op by op.
#include "RandomGraph.h"
#include <algorithm>

using namespace planner_test;
using namespace mlir::abn::plan;

namespace {
class GraphBuilder {
public:
  GraphBuilder(uint64_t seed, const GraphShape &shape) : random(seed), shape(shape) {}

  StepGraph run() {
    for (unsigned i = 0, e = 2 + random.below(3); i < e; ++i) {
      GraphValue argument;
      argument.bytes = pickSize();
      argument.isExternal = true;
      argument.isDonated = shape.hasDonated && random.chance(30);
      // Returned as it came: it keeps its contents to the end.
      argument.isOutput = random.chance(10);
      graph.values.push_back(argument);
    }
    for (unsigned i = 0; i < shape.ops; ++i)
      addOp();
    markForward();
    markOutputs();
    addNormalizations();
    return std::move(graph);
  }

private:
  /// Few different sizes, so that buffers can take over others; none a multiple of an alignment.
  int64_t pickSize() {
    static constexpr int64_t kSizes[] = {0, 40, 200, 300, 300, 1000, 1000, 1000, 2000};
    return kSizes[random.below(std::size(kSizes))];
  }

  unsigned pickValue() {
    unsigned count = graph.values.size();
    // Mostly something recent.
    return random.chance(60) ? count - 1 - random.below(std::min(count, 4u)) : random.below(count);
  }

  unsigned addValue(int64_t bytes) {
    GraphValue value;
    value.bytes = bytes;
    graph.values.push_back(value);
    return graph.values.size() - 1;
  }

  void addOp() {
    GraphOp op;
    op.flops = 1 + random.below(1000);
    if (random.chance(shape.heavyPercent))
      makeConvolution(op);
    else if (unsigned kind = random.below(10); kind < 4)
      makeElementwise(op);
    else if (kind < 6)
      makeBatchNorm(op);
    else if (kind < 7)
      makeUpdate(op);
    else if (kind < 8)
      makeConstant(op);
    else
      makeOpaque(op);
    graph.order.push_back(graph.ops.size());
    graph.ops.push_back(std::move(op));
  }

  void addResult(GraphOp &op, int64_t bytes, bool canBeComputedAgain) {
    GraphResult result;
    result.value = addValue(bytes);
    if (canBeComputedAgain)
      graph.values[result.value].recipe = graph.ops.size();
    op.results.push_back(result);
  }

  void readSome(GraphOp &op, unsigned count) {
    for (unsigned i = 0; i < count; ++i)
      op.reads.push_back(pickValue());
  }

  void makeConvolution(GraphOp &op) {
    op.isHeavy = true;
    op.flops *= 100;
    readSome(op, 1 + random.below(2));
    addResult(op, pickSize(), random.chance(70));
  }

  /// A result that may be written over any operand of its size.
  void makeElementwise(GraphOp &op) {
    op.isElementwise = true;
    readSome(op, 1 + random.below(3));
    int64_t bytes = graph.values[op.reads[random.below(op.reads.size())]].bytes;
    addResult(op, bytes, random.chance(80));
    for (unsigned read = 0; read < op.reads.size(); ++read)
      if (graph.values[op.reads[read]].bytes == bytes && random.chance(80))
        op.results[0].reusable.push_back(read);
  }

  /// y and two statistics; y has a recipe of its own (addNormalizations).
  void makeBatchNorm(GraphOp &op) {
    readSome(op, 1 + random.below(2));
    addResult(op, graph.values[op.reads[0]].bytes, false);
    op.results[0].reusable.push_back(0);
    addResult(op, 40, false);
    addResult(op, 40, false);
    batchNorms.push_back(graph.ops.size());
  }

  /// Updates its first operand in place.
  void makeUpdate(GraphOp &op) {
    readSome(op, 1 + random.below(2));
    addResult(op, graph.values[op.reads[0]].bytes, random.chance(50));
    op.results[0].tiedTo = 0;
    op.results[0].isTiedCopied = random.chance(40);
  }

  void makeConstant(GraphOp &op) { addResult(op, pickSize(), random.chance(80)); }

  void makeOpaque(GraphOp &op) {
    readSome(op, random.below(4));
    for (unsigned i = 0, e = 1 + random.below(2); i < e; ++i)
      addResult(op, pickSize(), false);
  }

  void addNormalizations() {
    for (unsigned id : batchNorms) {
      GraphOp recipe;
      const GraphOp &op = graph.ops[id];
      recipe.reads = op.reads;
      recipe.reads.push_back(op.results[1].value);
      recipe.reads.push_back(op.results[2].value);
      recipe.results.push_back(op.results[0]);
      recipe.flops = op.flops;
      recipe.isElementwise = recipe.isForward = true;
      graph.values[op.results[0].value].recipe = graph.ops.size();
      graph.ops.push_back(std::move(recipe));
    }
  }

  /// What a result near the middle depends on.
  void markForward() {
    unsigned loss = shape.ops * (40 + random.below(30)) / 100;
    std::vector<bool> needed(graph.values.size());
    for (const GraphResult &result : graph.ops[loss].results)
      needed[result.value] = true;
    for (unsigned id = loss + 1; id-- > 0;) {
      GraphOp &op = graph.ops[id];
      op.isForward = std::any_of(op.results.begin(), op.results.end(),
                                 [&](const GraphResult &r) { return needed[r.value]; });
      if (op.isForward)
        for (unsigned value : op.reads)
          needed[value] = true;
    }
    graph.values[graph.ops[loss].results[0].value].isOutput = true;
  }

  void markOutputs() {
    std::vector<bool> isRead(graph.values.size());
    for (const GraphOp &op : graph.ops)
      for (unsigned value : op.reads)
        isRead[value] = true;
    for (unsigned id : graph.order)
      for (const GraphResult &result : graph.ops[id].results) {
        // A constant that nobody needs would not be there.
        bool isDead = !isRead[result.value] && graph.ops[id].reads.empty();
        if (isDead || random.chance(isRead[result.value] ? 8 : 70))
          graph.values[result.value].isOutput = true;
      }
  }

  Random random;
  GraphShape shape;
  StepGraph graph;
  std::vector<unsigned> batchNorms;
};
} // namespace

StepGraph planner_test::makeRandomGraph(uint64_t seed, const GraphShape &shape) {
  return GraphBuilder(seed, shape).run();
}

std::string planner_test::describe(const StepGraph &graph) {
  std::string text;
  for (unsigned value = 0; value < graph.values.size(); ++value) {
    const GraphValue &v = graph.values[value];
    text += "  v" + std::to_string(value) + ": " + std::to_string(v.bytes) + " bytes";
    if (v.recipe != kNone)
      text += ", recipe op" + std::to_string(v.recipe);
    text += std::string(v.isOutput ? ", output" : "") + (v.isExternal ? ", external" : "") +
            (v.isDonated ? ", donated" : "") + "\n";
  }
  for (unsigned id = 0; id < graph.ops.size(); ++id) {
    const GraphOp &op = graph.ops[id];
    text += "  op" + std::to_string(id) + " (";
    for (unsigned value : op.reads)
      text += " v" + std::to_string(value);
    text += " ) ->";
    for (const GraphResult &result : op.results) {
      text += " v" + std::to_string(result.value);
      if (result.tiedTo != kNone)
        text += "=tied" + std::to_string(result.tiedTo);
      for (unsigned read : result.reusable)
        text += "/" + std::to_string(read);
    }
    bool isTraced = std::find(graph.order.begin(), graph.order.end(), id) != graph.order.end();
    text += std::string(isTraced ? "" : ", recipe") + (op.isForward ? ", forward" : "") +
            (op.isHeavy ? ", heavy" : "") + (op.isElementwise ? ", elementwise" : "") + "\n";
  }
  return text;
}
