// Trades bytes for work: takes recomputations out of a schedule, one after the other, where holding
// the value instead keeps the live bytes below a limit.
#include "Takeover.h"
#include "abn/Plan/Schedules.h"
#include <algorithm>

using namespace mlir::abn::plan;

namespace {
/// Live bytes over the steps: adds to ranges, asks for the largest sum of a range. A segment tree
/// without propagation.
class Profile {
public:
  explicit Profile(unsigned steps) {
    while (leaves < steps)
      leaves *= 2;
    added.assign(2 * leaves, 0);
    largest.assign(2 * leaves, 0);
  }
  /// Adds `bytes` to the steps [lower, upper].
  void add(unsigned lower, unsigned upper, int64_t bytes) {
    if (lower <= upper && bytes)
      add(1, 0, leaves - 1, lower, upper, bytes);
  }
  int64_t max() const { return largest[1]; }

private:
  void add(unsigned node, unsigned from, unsigned to, unsigned lower, unsigned upper,
           int64_t bytes) {
    if (upper < from || to < lower)
      return;
    if (lower <= from && to <= upper) {
      added[node] += bytes;
      largest[node] += bytes;
      return;
    }
    unsigned middle = (from + to) / 2;
    add(2 * node, from, middle, lower, upper, bytes);
    add(2 * node + 1, middle + 1, to, lower, upper, bytes);
    largest[node] = std::max(largest[2 * node], largest[2 * node + 1]) + added[node];
  }

  unsigned leaves = 1;
  std::vector<int64_t> added, largest;
};

/// One computation of a value, or a donated argument.
struct Instance {
  unsigned value;
  unsigned step;              // kNone for an argument
  std::vector<unsigned> uses; // steps, in order, one entry per read; the end for outputs
  /// Lies in a donated argument: takes no bytes.
  bool isFree = false;
};

class Holder {
public:
  Holder(const StepGraph &graph, const Schedule &schedule, int64_t limit)
      : graph(graph), schedule(schedule), limit(limit), profile(schedule.size()),
        removed(schedule.size()), saved(schedule.size()) {
    buildInstances();
    for (const Instance &instance : instances)
      addLife(instance, 1);
    for (unsigned step = 0; step < schedule.size(); ++step)
      updateTakeovers(step);
    this->limit = std::max(limit, profile.max());
  }

  Schedule run() {
    for (bool changed = true; changed;) {
      changed = false;
      for (unsigned step : orderCandidates())
        if (!removed[step])
          changed |= tryRemove(step);
    }
    Schedule result;
    for (unsigned step = 0; step < schedule.size(); ++step)
      if (!removed[step])
        result.push_back(schedule[step]);
    return result;
  }

private:
  struct Change {
    unsigned instance;
    std::vector<unsigned> uses;
  };

  void buildInstances() {
    std::vector<unsigned> current(graph.values.size(), kNone);
    computations.resize(graph.values.size());
    for (unsigned value = 0; value < graph.values.size(); ++value)
      if (graph.values[value].isDonated) {
        current[value] = instances.size();
        instances.push_back({value, kNone, {}, /*isFree=*/true});
      }
    for (unsigned step = 0; step < schedule.size(); ++step) {
      const GraphOp &op = graph.ops[schedule[step]];
      std::vector<unsigned> ids;
      for (unsigned value : op.reads) {
        ids.push_back(current[value]);
        if (current[value] != kNone)
          instances[current[value]].uses.push_back(step);
      }
      reads.push_back(std::move(ids));
      std::vector<unsigned> made;
      for (const GraphResult &result : op.results) {
        current[result.value] = instances.size();
        made.push_back(instances.size());
        computations[result.value].push_back(instances.size());
        instances.push_back({result.value, step, {}});
      }
      results.push_back(std::move(made));
    }
    for (unsigned value = 0; value < graph.values.size(); ++value)
      if (graph.values[value].isOutput && current[value] != kNone)
        instances[current[value]].uses.push_back(schedule.size());
  }

  int64_t bytesOf(unsigned value) const { return graph.values[value].bytes; }

  unsigned lastUse(const Instance &instance) const {
    return instance.uses.empty() ? instance.step : instance.uses.back();
  }

  void addLife(const Instance &instance, int sign) {
    if (instance.isFree)
      return;
    unsigned last = std::min<unsigned>(lastUse(instance), schedule.size() - 1);
    profile.add(instance.step, last, sign * bytesOf(instance.value));
  }

  /// What the results of a step take over of its operands, less of both counted at the step. What
  /// takes over a donated argument counts nowhere.
  void updateTakeovers(unsigned step) {
    int64_t bytes = 0;
    const GraphOp &op = graph.ops[schedule[step]];
    std::vector<unsigned> taken;
    auto isLeft = [&](unsigned read) {
      unsigned id = reads[step][read];
      return id != kNone && lastUse(instances[id]) == step &&
             std::find(taken.begin(), taken.end(), id) == taken.end();
    };
    for (unsigned number = 0; number < op.results.size(); ++number) {
      const GraphResult &result = op.results[number];
      unsigned read = removed[step] ? kNone : findTakeover(graph, op, result, isLeft);
      bool isFree = false;
      if (read != kNone) {
        taken.push_back(reads[step][read]);
        isFree = instances[reads[step][read]].isFree;
        bytes += isFree ? 0 : bytesOf(result.value);
      }
      setFree(results[step][number], isFree);
    }
    profile.add(step, step, saved[step] - bytes);
    saved[step] = bytes;
  }

  void setFree(unsigned id, bool isFree) {
    Instance &instance = instances[id];
    if (instance.isFree == isFree)
      return;
    bool counts = !removed[instance.step];
    if (counts)
      addLife(instance, -1);
    instance.isFree = isFree;
    if (counts)
      addLife(instance, 1);
    // What takes it over is free with it.
    unsigned last = lastUse(instance);
    if (counts && instance.step < last && last < schedule.size())
      updateTakeovers(last);
  }

  void setUses(unsigned id, std::vector<unsigned> uses) {
    Instance &instance = instances[id];
    unsigned before = lastUse(instance);
    addLife(instance, -1);
    std::swap(instance.uses, uses);
    if (instance.step == kNone || !removed[instance.step])
      addLife(instance, 1);
    log.push_back({id, std::move(uses)});
    touched.push_back(before);
    touched.push_back(lastUse(instance));
  }

  void updateTouched() {
    std::sort(touched.begin(), touched.end());
    touched.erase(std::unique(touched.begin(), touched.end()), touched.end());
    for (unsigned step : touched)
      if (step < schedule.size())
        updateTakeovers(step);
    touched.clear();
  }

  /// The instance of the same value that was there before `id`, kNone if there is none or an op
  /// updated it in place.
  unsigned findPrevious(unsigned id) const {
    const std::vector<unsigned> &all = computations[instances[id].value];
    unsigned found = kNone;
    for (unsigned other : all) {
      if (other == id)
        break;
      if (!removed[instances[other].step])
        found = other;
    }
    if (found == kNone)
      return kNone;
    unsigned last = lastUse(instances[found]);
    if (last < schedule.size())
      for (const GraphResult &result : graph.ops[schedule[last]].results)
        if (result.tiedTo != kNone && reads[last][result.tiedTo] == found)
          return kNone;
    return found;
  }

  bool isRecomputation(unsigned step) const {
    for (unsigned id : results[step])
      if (computations[instances[id].value].front() == id)
        return false;
    return !results[step].empty();
  }

  /// The recomputations, those with the least to hold per byte written first.
  std::vector<unsigned> orderCandidates() {
    std::vector<std::pair<uint64_t, unsigned>> keyed;
    for (unsigned step = 0; step < schedule.size(); ++step) {
      if (removed[step] || !isRecomputation(step))
        continue;
      uint64_t gap = 0;
      for (unsigned id : results[step]) {
        unsigned previous = findPrevious(id);
        if (previous != kNone && !instances[id].uses.empty())
          gap = std::max<uint64_t>(gap, step - lastUse(instances[previous]));
      }
      keyed.push_back({gap, step});
    }
    std::sort(keyed.begin(), keyed.end());
    std::vector<unsigned> steps;
    for (auto [gap, step] : keyed)
      steps.push_back(step);
    return steps;
  }

  bool tryRemove(unsigned step) {
    log.clear();
    moved.clear();
    std::vector<unsigned> removedHere;
    if (!redirect(step, removedHere)) {
      undo(removedHere);
      return false;
    }
    updateTouched();
    if (profile.max() <= limit)
      return true;
    undo(removedHere);
    return false;
  }

  /// Lets the readers of the step's results read the previous instances, and removes the step with
  /// every recomputation that only it read.
  bool redirect(unsigned step, std::vector<unsigned> &removedHere) {
    for (unsigned id : results[step]) {
      if (instances[id].uses.empty())
        continue;
      unsigned previous = findPrevious(id);
      if (previous == kNone)
        return false;
      std::vector<unsigned> uses = instances[previous].uses;
      for (unsigned use : instances[id].uses) {
        uses.push_back(use);
        if (use < schedule.size())
          std::replace(reads[use].begin(), reads[use].end(), id, previous);
      }
      setUses(id, {});
      setUses(previous, std::move(uses));
      moved.push_back({id, previous});
    }
    remove(step, removedHere);
    return true;
  }

  void remove(unsigned step, std::vector<unsigned> &removedHere) {
    for (unsigned id : results[step])
      addLife(instances[id], -1);
    removed[step] = true;
    removedHere.push_back(step);
    touched.push_back(step);
    for (unsigned id : reads[step]) {
      if (id == kNone)
        continue;
      std::vector<unsigned> uses = instances[id].uses;
      auto use = std::find(uses.begin(), uses.end(), step);
      if (use == uses.end())
        continue;
      uses.erase(use);
      setUses(id, std::move(uses));
      unsigned source = instances[id].step;
      bool isDead = source != kNone && !removed[source] && isRecomputation(source) &&
                    std::all_of(results[source].begin(), results[source].end(),
                                [&](unsigned other) { return instances[other].uses.empty(); });
      if (isDead)
        remove(source, removedHere);
    }
  }

  void undo(const std::vector<unsigned> &removedHere) {
    for (unsigned step : removedHere) {
      for (unsigned id : results[step])
        addLife(instances[id], 1);
      removed[step] = false;
      touched.push_back(step);
    }
    std::vector<Change> changes = std::move(log);
    for (auto change = changes.rbegin(); change != changes.rend(); ++change)
      setUses(change->instance, std::move(change->uses));
    for (auto [id, previous] : moved)
      for (unsigned use : instances[id].uses)
        if (use < schedule.size())
          std::replace(reads[use].begin(), reads[use].end(), previous, id);
    moved.clear();
    log.clear();
    updateTouched();
  }

  const StepGraph &graph;
  const Schedule &schedule;
  int64_t limit;
  Profile profile;
  std::vector<Instance> instances;
  std::vector<std::vector<unsigned>> computations;   // by value
  std::vector<std::vector<unsigned>> reads, results; // by step: instances
  std::vector<bool> removed;
  std::vector<int64_t> saved; // by step: bytes that takeovers save
  std::vector<Change> log;
  std::vector<std::pair<unsigned, unsigned>> moved;
  std::vector<unsigned> touched;
};
} // namespace

Schedule mlir::abn::plan::holdValues(const StepGraph &graph, const Schedule &schedule,
                                     int64_t maxLive) {
  if (schedule.empty())
    return schedule;
  return Holder(graph, schedule, maxLive).run();
}
