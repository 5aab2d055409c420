// Trades bytes for work: takes recomputations out of a schedule, one after the other, where holding
// the value instead keeps the live bytes below a limit.
#include "Takeover.h"
#include "abn/Plan/Schedules.h"
#include <algorithm>

using namespace mlir::abn::plan;

namespace {
/// Live bytes over the steps: adds to ranges, asks for the largest sum. A segment tree without
/// propagation, from the leaves up.
class Profile {
public:
  explicit Profile(unsigned steps) {
    while (leaves < steps)
      leaves *= 2;
    added.assign(leaves, 0);
    largest.assign(2 * leaves, 0);
  }
  /// Adds `bytes` to the steps [lower, upper].
  void add(unsigned lower, unsigned upper, int64_t bytes) {
    if (lower > upper || bytes == 0)
      return;
    for (unsigned from = lower + leaves, to = upper + leaves + 1; from < to; from /= 2, to /= 2) {
      if (from % 2)
        addToNode(from++, bytes);
      if (to % 2)
        addToNode(--to, bytes);
    }
    unsigned left = (lower + leaves) / 2, right = (upper + leaves) / 2;
    for (; left != right; left /= 2, right /= 2) {
      update(left);
      update(right);
    }
    for (; left > 0; left /= 2)
      update(left);
  }
  int64_t max() const { return largest[1]; }

private:
  void addToNode(unsigned node, int64_t bytes) {
    largest[node] += bytes;
    if (node < leaves)
      added[node] += bytes;
  }
  void update(unsigned node) {
    largest[node] = std::max(largest[2 * node], largest[2 * node + 1]) + added[node];
  }

  unsigned leaves = 1;
  std::vector<int64_t> added, largest;
};

/// One computation of a value, or a donated argument. Its reads are a stretch of the list of the
/// value's reads.
struct Instance {
  unsigned value;
  unsigned step; // kNone for an argument
  unsigned firstRead = kNone, lastRead = kNone;
  /// The computations of the same value before and behind it that are still there.
  unsigned before = kNone, behind = kNone;
  /// The instance that reads were redirected to: for good, or in the removal that is being tried.
  unsigned mergedInto = kNone, redirectedTo = kNone;
  /// Lies in a donated argument: takes no bytes.
  bool isFree = false;
};

/// A read of an instance by a step; by the end of the schedule for outputs.
struct Read {
  unsigned instance; // that it read at first
  unsigned step;
  unsigned before = kNone, behind = kNone; // of the same value
};

class Holder {
public:
  Holder(const StepGraph &graph, const Schedule &schedule)
      : graph(graph), schedule(schedule), profile(schedule.size()), removed(schedule.size()),
        saved(schedule.size()) {
    buildInstances();
    for (const Instance &instance : instances)
      addLife(instance, 1);
    for (unsigned step = 0; step < schedule.size(); ++step) {
      updateTakeovers(step);
      if (isRecomputation(step))
        candidates.push_back(step);
    }
  }

  /// Goes on from what is held already: call it with rising limits.
  Schedule holdUpTo(int64_t maxLive) {
    limit = std::max(maxLive, profile.max());
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
  /// A step of a removal, to be undone.
  struct Change {
    enum { Bounds, Read, Step, Redirection } kind;
    unsigned id;
    unsigned firstRead = kNone, lastRead = kNone;
  };

  void buildInstances() {
    std::vector<unsigned> current(graph.values.size(), kNone), lastRead(graph.values.size(), kNone);
    for (unsigned value = 0; value < graph.values.size(); ++value)
      if (graph.values[value].isDonated) {
        current[value] = instances.size();
        instances.push_back({value, kNone});
        instances.back().isFree = true;
      }
    auto addRead = [&](unsigned value, unsigned step) {
      unsigned id = current[value];
      if (id == kNone)
        return kNone;
      unsigned read = allReads.size();
      allReads.push_back({id, step, lastRead[value]});
      if (lastRead[value] != kNone)
        allReads[lastRead[value]].behind = read;
      lastRead[value] = read;
      Instance &instance = instances[id];
      instance.firstRead = instance.firstRead == kNone ? read : instance.firstRead;
      instance.lastRead = read;
      return read;
    };
    for (unsigned step = 0; step < schedule.size(); ++step) {
      const GraphOp &op = graph.ops[schedule[step]];
      reads.emplace_back();
      for (unsigned value : op.reads)
        reads.back().push_back(addRead(value, step));
      results.emplace_back();
      for (const GraphResult &result : op.results) {
        unsigned before = current[result.value], id = instances.size();
        instances.push_back({result.value, step});
        instances.back().before = before;
        if (before != kNone)
          instances[before].behind = id;
        current[result.value] = id;
        results.back().push_back(id);
      }
    }
    for (unsigned value = 0; value < graph.values.size(); ++value)
      if (graph.values[value].isOutput)
        addRead(value, schedule.size());
  }

  int64_t bytesOf(unsigned value) const { return graph.values[value].bytes; }

  unsigned lastUse(const Instance &instance) const {
    return instance.lastRead == kNone ? instance.step : allReads[instance.lastRead].step;
  }

  unsigned lastStep(const Instance &instance) const {
    return std::min<unsigned>(lastUse(instance), schedule.size() - 1);
  }

  void addLife(const Instance &instance, int sign) {
    if (!instance.isFree)
      profile.add(instance.step, lastStep(instance), sign * bytesOf(instance.value));
  }

  /// The instance that a read reads now; kNone if it is an argument that is not donated.
  unsigned getInstance(unsigned read) {
    if (read == kNone)
      return kNone;
    unsigned id = allReads[read].instance;
    while (instances[id].mergedInto != kNone) {
      unsigned next = instances[id].mergedInto;
      if (instances[next].mergedInto != kNone)
        instances[id].mergedInto = instances[next].mergedInto;
      id = next;
    }
    return instances[id].redirectedTo == kNone ? id : instances[id].redirectedTo;
  }

  /// What the results of a step take over of its operands, less of both counted at the step. What
  /// takes over a donated argument counts nowhere.
  void updateTakeovers(unsigned step) {
    int64_t bytes = 0;
    const GraphOp &op = graph.ops[schedule[step]];
    std::vector<unsigned> taken;
    auto isLeft = [&](unsigned read) {
      unsigned id = getInstance(reads[step][read]);
      return id != kNone && lastUse(instances[id]) == step &&
             std::find(taken.begin(), taken.end(), id) == taken.end();
    };
    for (unsigned number = 0; number < op.results.size(); ++number) {
      const GraphResult &result = op.results[number];
      unsigned read = removed[step] ? kNone : findTakeover(graph, op, result, isLeft);
      bool isFree = false;
      if (read != kNone) {
        taken.push_back(getInstance(reads[step][read]));
        isFree = instances[taken.back()].isFree;
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

  /// Sets the first and the last read of an instance.
  void setBounds(unsigned id, unsigned firstRead, unsigned lastRead) {
    Instance &instance = instances[id];
    unsigned useBefore = lastUse(instance), stepBefore = lastStep(instance);
    instance.firstRead = firstRead;
    instance.lastRead = lastRead;
    unsigned stepAfter = lastStep(instance);
    if (!instance.isFree) {
      profile.add(stepBefore + 1, stepAfter, bytesOf(instance.value));
      profile.add(stepAfter + 1, stepBefore, -bytesOf(instance.value));
    }
    touched.push_back(useBefore);
    touched.push_back(lastUse(instance));
  }

  void changeBounds(unsigned id, unsigned firstRead, unsigned lastRead) {
    log.push_back({Change::Bounds, id, instances[id].firstRead, instances[id].lastRead});
    setBounds(id, firstRead, lastRead);
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
  unsigned findPrevious(unsigned id) {
    unsigned found = instances[id].before;
    if (found == kNone)
      return kNone;
    unsigned last = lastUse(instances[found]);
    if (last < schedule.size())
      for (const GraphResult &result : graph.ops[schedule[last]].results)
        if (result.tiedTo != kNone && getInstance(reads[last][result.tiedTo]) == found)
          return kNone;
    return found;
  }

  bool isRecomputation(unsigned step) const {
    return !results[step].empty() &&
           std::all_of(results[step].begin(), results[step].end(),
                       [&](unsigned id) { return instances[id].before != kNone; });
  }

  /// The recomputations that are left, those with the least to hold per byte written first.
  std::vector<unsigned> orderCandidates() {
    candidates.erase(std::remove_if(candidates.begin(), candidates.end(),
                                    [&](unsigned step) { return removed[step]; }),
                     candidates.end());
    std::vector<std::pair<uint64_t, unsigned>> keyed;
    for (unsigned step : candidates) {
      uint64_t gap = 0;
      for (unsigned id : results[step]) {
        unsigned previous = findPrevious(id);
        if (previous != kNone && instances[id].lastRead != kNone)
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
    if (!redirect(step)) {
      undo();
      return false;
    }
    updateTouched();
    if (profile.max() > limit) {
      undo();
      return false;
    }
    for (const Change &change : log)
      if (change.kind == Change::Redirection)
        std::swap(instances[change.id].mergedInto, instances[change.id].redirectedTo);
    return true;
  }

  /// Lets the readers of the step's results read the previous instances, and removes the step with
  /// every recomputation that only it read.
  bool redirect(unsigned step) {
    for (unsigned id : results[step]) {
      unsigned first = instances[id].firstRead, last = instances[id].lastRead;
      if (first == kNone)
        continue;
      unsigned previous = findPrevious(id);
      if (previous == kNone)
        return false;
      // Its reads follow those of the previous one.
      unsigned head = instances[previous].firstRead;
      changeBounds(id, kNone, kNone);
      changeBounds(previous, head == kNone ? first : head, last);
      instances[id].redirectedTo = previous;
      log.push_back({Change::Redirection, id});
    }
    remove(step);
    return true;
  }

  void remove(unsigned step) {
    for (unsigned id : results[step]) {
      Instance &instance = instances[id];
      addLife(instance, -1);
      instances[instance.before].behind = instance.behind;
      if (instance.behind != kNone)
        instances[instance.behind].before = instance.before;
    }
    removed[step] = true;
    log.push_back({Change::Step, step});
    touched.push_back(step);
    for (unsigned read : reads[step]) {
      unsigned id = getInstance(read);
      if (id == kNone)
        continue;
      removeRead(read, id);
      unsigned source = instances[id].step;
      bool isDead = source != kNone && !removed[source] && isRecomputation(source) &&
                    std::all_of(results[source].begin(), results[source].end(),
                                [&](unsigned other) { return instances[other].lastRead == kNone; });
      if (isDead)
        remove(source);
    }
  }

  void removeRead(unsigned read, unsigned id) {
    Instance &instance = instances[id];
    auto [ignored, step, before, behind] = allReads[read];
    bool isFirst = instance.firstRead == read, isLast = instance.lastRead == read;
    if (isFirst && isLast)
      changeBounds(id, kNone, kNone);
    else if (isFirst)
      changeBounds(id, behind, instance.lastRead);
    else if (isLast)
      changeBounds(id, instance.firstRead, before);
    if (before != kNone)
      allReads[before].behind = behind;
    if (behind != kNone)
      allReads[behind].before = before;
    log.push_back({Change::Read, read});
  }

  void undo() {
    for (auto change = log.rbegin(); change != log.rend(); ++change)
      undo(*change);
    log.clear();
    updateTouched();
  }

  void undo(const Change &change) {
    switch (change.kind) {
    case Change::Bounds:
      return setBounds(change.id, change.firstRead, change.lastRead);
    case Change::Redirection:
      instances[change.id].redirectedTo = kNone;
      return;
    case Change::Read: {
      const Read &read = allReads[change.id];
      if (read.before != kNone)
        allReads[read.before].behind = change.id;
      if (read.behind != kNone)
        allReads[read.behind].before = change.id;
      return;
    }
    case Change::Step:
      removed[change.id] = false;
      touched.push_back(change.id);
      for (auto id = results[change.id].rbegin(); id != results[change.id].rend(); ++id) {
        const Instance &instance = instances[*id];
        addLife(instance, 1);
        instances[instance.before].behind = *id;
        if (instance.behind != kNone)
          instances[instance.behind].before = *id;
      }
    }
  }

  const StepGraph &graph;
  const Schedule &schedule;
  int64_t limit = 0;
  Profile profile;
  std::vector<Instance> instances;
  std::vector<Read> allReads;
  std::vector<std::vector<unsigned>> reads, results; // by step: reads, instances
  std::vector<unsigned> candidates;                  // steps
  std::vector<bool> removed;
  std::vector<int64_t> saved; // by step: bytes that takeovers save
  std::vector<Change> log;
  std::vector<unsigned> touched;
};
} // namespace

std::vector<Schedule> mlir::abn::plan::holdValues(const StepGraph &graph, const Schedule &schedule,
                                                  const std::vector<int64_t> &limits) {
  if (schedule.empty())
    return std::vector<Schedule>(limits.size());
  Holder holder(graph, schedule);
  std::vector<Schedule> held;
  for (int64_t limit : limits)
    held.push_back(holder.holdUpTo(limit));
  return held;
}
