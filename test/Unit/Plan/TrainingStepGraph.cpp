// Builds training steps of random layers: forward, loss, backward, update.
#include "RandomGraph.h"
#include <algorithm>

using namespace planner_test;
using namespace mlir::abn::plan;

namespace {
/// One layer as the backward needs it.
struct Layer {
  enum Kind { Convolution, BatchNorm, Activation, Sum } kind;
  unsigned input, shortcut, output;
  unsigned weight = kNone, mean = kNone, variance = kNone;
  unsigned op = kNone;
};

class StepBuilder {
public:
  StepBuilder(uint64_t seed, unsigned layers, bool hasDonated)
      : random(seed), count(layers), hasDonated(hasDonated), isUniform(random.chance(50)) {}

  StepGraph run() {
    unsigned current = addArgument(pickSize(), hasDonated && random.chance(50));
    std::vector<Layer> layers;
    for (unsigned i = 0; i < count; ++i) {
      // A branch that joins at a sum, if at all.
      bool isBranch = !layers.empty() && random.chance(25);
      unsigned from = isBranch ? layers[random.below(layers.size())].input : current;
      layers.push_back(addLayer(from, layers));
      if (!isBranch)
        current = layers.back().output;
    }
    unsigned loss = addOp({current}, {40});
    graph.values[loss].isOutput = true;
    unsigned gradient = addOp({loss, current}, {bytesOf(current)});
    gradients.assign(graph.values.size(), kNone);
    gradients[current] = gradient;
    markForward(loss);
    for (unsigned i = count; i-- > 0;)
      if (gradients[layers[i].output] != kNone)
        addBackward(layers[i]);
    addNormalizations(layers);
    for (const Layer &layer : layers)
      if (graph.ops[layer.op].isForward)
        addRebuilds(layer);
    return std::move(graph);
  }

private:
  /// Of weights and activations; a uniform step has activations of one size and small weights.
  int64_t pickSize() { return isUniform ? 1000 : 500 * (1 + random.below(4)); }
  int64_t pickWeightSize() { return isUniform ? 40 : pickSize(); }
  int64_t bytesOf(unsigned value) const { return graph.values[value].bytes; }

  unsigned addArgument(int64_t bytes, bool isDonated) {
    GraphValue value;
    value.bytes = bytes;
    value.isExternal = true;
    value.isDonated = isDonated;
    graph.values.push_back(value);
    return graph.values.size() - 1;
  }

  /// The first result of a new op.
  unsigned addOp(std::vector<unsigned> reads, std::vector<int64_t> sizes) {
    GraphOp op;
    op.reads = std::move(reads);
    op.flops = 1 + random.below(1000);
    unsigned first = graph.values.size();
    for (int64_t bytes : sizes) {
      GraphValue value;
      value.bytes = bytes;
      GraphResult result;
      result.value = graph.values.size();
      graph.values.push_back(value);
      op.results.push_back(result);
    }
    graph.order.push_back(graph.ops.size());
    graph.ops.push_back(std::move(op));
    return first;
  }

  void setRecipe(unsigned value) { graph.values[value].recipe = graph.ops.size() - 1; }

  /// The last op works element by element, and may write over the operands that `reads` names.
  void setElementwise(std::vector<unsigned> reads) {
    graph.ops.back().isElementwise = true;
    graph.ops.back().results[0].reusable = std::move(reads);
  }

  Layer addLayer(unsigned input, const std::vector<Layer> &before) {
    Layer layer{Layer::Kind(random.below(4)), input, kNone, kNone};
    if (layer.kind == Layer::Sum) {
      std::vector<unsigned> shortcuts;
      for (const Layer &other : before)
        if (other.output != input && bytesOf(other.output) == bytesOf(input))
          shortcuts.push_back(other.output);
      if (shortcuts.empty())
        layer.kind = Layer::Convolution;
      else
        layer.shortcut = shortcuts[random.below(shortcuts.size())];
    }
    switch (layer.kind) {
    case Layer::Convolution:
      layer.weight = addArgument(pickWeightSize(), hasDonated && random.chance(50));
      layer.output = addOp({input, layer.weight}, {pickSize()});
      graph.ops.back().isHeavy = true;
      setRecipe(layer.output);
      break;
    case Layer::BatchNorm:
      layer.output = addOp({input}, {bytesOf(input), 40, 40});
      layer.mean = layer.output + 1;
      layer.variance = layer.output + 2;
      graph.ops.back().results[0].reusable = {0};
      break;
    case Layer::Activation:
      layer.output = addOp({input}, {bytesOf(input)});
      setElementwise({0});
      setRecipe(layer.output);
      break;
    case Layer::Sum:
      layer.output = addOp({input, layer.shortcut}, {bytesOf(input)});
      setElementwise({0, 1});
      setRecipe(layer.output);
      break;
    }
    layer.op = graph.ops.size() - 1;
    return layer;
  }

  /// Only what the loss depends on is forward.
  void markForward(unsigned loss) {
    std::vector<bool> needed(graph.values.size());
    needed[loss] = true;
    for (auto id = graph.order.rbegin(); id != graph.order.rend(); ++id) {
      GraphOp &op = graph.ops[*id];
      op.isForward = std::any_of(op.results.begin(), op.results.end(),
                                 [&](const GraphResult &result) { return needed[result.value]; });
      if (op.isForward)
        for (unsigned value : op.reads)
          needed[value] = true;
    }
  }

  /// What flows into `value`, added to what did before.
  void addGradient(unsigned value, unsigned gradient) {
    if (gradients[value] != kNone) {
      gradient = addOp({gradients[value], gradient}, {bytesOf(value)});
      setElementwise({0, 1});
      // Or added to in place, read once or twice.
      if (GraphResult &sum = graph.ops.back().results[0]; random.chance(30)) {
        sum.reusable.clear();
        sum.tiedTo = 0;
        sum.isTiedCopied = random.chance(50);
      }
      setRecipe(gradient);
    }
    gradients[value] = gradient;
  }

  void addBackward(const Layer &layer) {
    unsigned gradient = gradients[layer.output];
    switch (layer.kind) {
    case Layer::Convolution: {
      unsigned ofWeight = addOp({gradient, layer.input}, {bytesOf(layer.weight)});
      graph.ops.back().isHeavy = true;
      unsigned updated = addOp({layer.weight, ofWeight}, {bytesOf(layer.weight)});
      setElementwise({0, 1});
      graph.values[updated].isOutput = true;
      if (!graph.values[layer.input].isExternal) {
        unsigned ofInput = addOp({gradient, layer.weight}, {bytesOf(layer.input)});
        graph.ops.back().isHeavy = true;
        addGradient(layer.input, ofInput);
      }
      break;
    }
    case Layer::BatchNorm: {
      unsigned ofInput = addOp({gradient, layer.input, layer.mean, layer.variance},
                               {bytesOf(layer.input), 40, 40});
      graph.ops.back().results[0].reusable = {0};
      graph.values[ofInput + 1].isOutput = graph.values[ofInput + 2].isOutput = true;
      if (!graph.values[layer.input].isExternal)
        addGradient(layer.input, ofInput);
      break;
    }
    case Layer::Activation:
      if (graph.values[layer.input].isExternal)
        break;
      addGradient(layer.input, addActivationGradient(layer, gradient));
      break;
    case Layer::Sum:
      addGradient(layer.input, gradient);
      addGradient(layer.shortcut, gradient);
      break;
    }
  }

  /// Reads the activation's input or its output.
  unsigned addActivationGradient(const Layer &layer, unsigned gradient) {
    unsigned read = random.chance(50) ? layer.input : layer.output;
    unsigned result = addOp({gradient, read}, {bytesOf(layer.input)});
    setElementwise({0, 1});
    setRecipe(result);
    return result;
  }

  void addNormalizations(const std::vector<Layer> &layers) {
    for (const Layer &layer : layers) {
      if (layer.kind != Layer::BatchNorm)
        continue;
      GraphOp recipe;
      recipe.reads = {layer.input, layer.mean, layer.variance};
      GraphResult result;
      result.value = layer.output;
      result.reusable = {0};
      recipe.results.push_back(result);
      recipe.flops = 100;
      recipe.isElementwise = recipe.isForward = true;
      graph.ops.push_back(std::move(recipe));
      setRecipe(layer.output);
    }
  }

  /// Operands of sums from the sum, inputs of invertible activations from the output.
  void addRebuilds(const Layer &layer) {
    bool isInvertible = layer.kind == Layer::Activation && random.chance(50);
    if (layer.kind == Layer::Sum && layer.input != layer.shortcut) {
      addRebuild(layer.input, {layer.output, layer.shortcut});
      addRebuild(layer.shortcut, {layer.output, layer.input});
    } else if (isInvertible) {
      addRebuild(layer.input, {layer.output});
    }
  }

  void addRebuild(unsigned value, std::vector<unsigned> reads) {
    if (graph.values[value].isExternal)
      return;
    GraphOp rebuild;
    rebuild.reads = std::move(reads);
    GraphResult result;
    result.value = value;
    result.reusable = {0};
    rebuild.results.push_back(result);
    rebuild.flops = 100;
    rebuild.isElementwise = rebuild.isForward = true;
    graph.values[value].rebuilds.push_back(graph.ops.size());
    graph.ops.push_back(std::move(rebuild));
  }

  Random random;
  unsigned count;
  bool hasDonated, isUniform;
  StepGraph graph;
  std::vector<unsigned> gradients; // by value of the forward
};
} // namespace

StepGraph planner_test::makeTrainingStep(uint64_t seed, unsigned layers, bool hasDonated) {
  return StepBuilder(seed, layers, hasDonated).run();
}
