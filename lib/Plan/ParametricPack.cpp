// Offsets that hold for all sizes, from the solution for one; see ParametricPack.h.
#include "ParametricPack.h"
#include "abn/Pack/PackSolver.h"
#include <algorithm>
#include <numeric>
#include <tuple>

using namespace mlir::abn::plan;

/// Two forms that no symbol's value orders may become their common upper bound, so that an offset
/// stays a short computation: it then is larger than it need be for some values.
static constexpr size_t kMaxForms = 8;

static int64_t evaluate(const Form &form, const std::vector<int64_t> &at) {
  return std::inner_product(form.begin(), form.end(), at.begin(), int64_t(0));
}

static int64_t evaluate(const Forms &forms, const std::vector<int64_t> &at) {
  int64_t largest = 0;
  for (const Form &form : forms)
    largest = std::max(largest, evaluate(form, at));
  return largest;
}

static bool isBelow(const Form &a, const Form &b) {
  return std::equal(a.begin(), a.end(), b.begin(), std::less_equal<int64_t>());
}

static Form add(const Form &a, const Form &b) {
  Form sum(a.size());
  std::transform(a.begin(), a.end(), b.begin(), sum.begin(), std::plus<int64_t>());
  return sum;
}

static Form join(const Form &a, const Form &b) {
  Form upper(a.size());
  std::transform(a.begin(), a.end(), b.begin(), upper.begin(),
                 [](int64_t x, int64_t y) { return std::max(x, y); });
  return upper;
}

/// Whether the middle one of forms of one symbol, in order of its coefficient, is nowhere the
/// largest: it lies on or below the line between the others.
static bool isBelowLine(const Form &low, const Form &middle, const Form &high) {
  __int128 wide = high[1] - low[1], part = middle[1] - low[1];
  return (middle[0] - low[0]) * wide <= (high[0] - low[0]) * part;
}

/// Drops what is nowhere the largest, which is seen where there is one symbol.
static void dropCovered(Forms &forms) {
  if (forms.empty() || forms.front().size() != 2)
    return;
  std::sort(forms.begin(), forms.end(), [](const Form &a, const Form &b) { return a[1] < b[1]; });
  Forms kept;
  for (Form &form : forms) {
    while (kept.size() >= 2 && isBelowLine(kept[kept.size() - 2], kept.back(), form))
      kept.pop_back();
    kept.push_back(std::move(form));
  }
  forms = std::move(kept);
}

static void insert(Forms &forms, Form form) {
  for (const Form &other : forms)
    if (isBelow(form, other))
      return;
  forms.erase(std::remove_if(forms.begin(), forms.end(),
                             [&](const Form &other) { return isBelow(other, form); }),
              forms.end());
  forms.push_back(std::move(form));
}

/// Joins forms until there are few: those first whose upper bound does not exceed what the largest
/// is `at`, then those that lose least there.
static void shorten(Forms &forms, const std::vector<int64_t> &at) {
  dropCovered(forms);
  while (forms.size() > kMaxForms) {
    int64_t largest = evaluate(forms, at);
    std::tuple<int64_t, int64_t, size_t, size_t> best;
    bool found = false;
    for (size_t i = 0; i < forms.size(); ++i)
      for (size_t j = i + 1; j < forms.size(); ++j) {
        int64_t joined = evaluate(join(forms[i], forms[j]), at);
        int64_t lost = joined - std::max(evaluate(forms[i], at), evaluate(forms[j], at));
        std::tuple<int64_t, int64_t, size_t, size_t> cost(std::max<int64_t>(joined - largest, 0),
                                                          lost, i, j);
        if (!found || cost < best)
          best = cost, found = true;
      }
    Form joined = join(forms[std::get<2>(best)], forms[std::get<3>(best)]);
    insert(forms, std::move(joined));
  }
  std::sort(forms.begin(), forms.end());
}

ParametricPlan mlir::abn::plan::packParametric(const ParametricProblem &problem) {
  ParametricPlan plan;
  size_t count = problem.buffers.size();
  std::vector<Form> sizes;
  ::abn::pack::Problem fixed;
  for (const ParametricBuffer &buffer : problem.buffers) {
    Form size = buffer.size;
    for (int64_t &coefficient : size)
      coefficient = (coefficient + problem.alignment - 1) / problem.alignment * problem.alignment;
    fixed.buffers.push_back(
        {buffer.lower, buffer.upper + 1, evaluate(size, problem.at), problem.alignment, {}, {}});
    sizes.push_back(std::move(size));
  }
  ::abn::pack::Options options;
  options.nodeLimit = problem.nodeLimit;
  ::abn::pack::Result solved = ::abn::pack::solve(fixed, options);
  plan.lowerBound = solved.lowerBound;
  plan.maxLive = solved.maxLive;

  std::vector<size_t> upwards(count);
  std::iota(upwards.begin(), upwards.end(), 0);
  std::sort(upwards.begin(), upwards.end(), [&](size_t a, size_t b) {
    return std::tie(solved.offsets[a], a) < std::tie(solved.offsets[b], b);
  });
  plan.offsets.assign(count, {Form(problem.at.size())});
  std::vector<Forms> ends(count);
  for (size_t i = 0; i < count; ++i) {
    size_t id = upwards[i];
    const ParametricBuffer &buffer = problem.buffers[id];
    Forms &offset = plan.offsets[id];
    for (size_t j = 0; j < i; ++j) {
      const ParametricBuffer &below = problem.buffers[upwards[j]];
      if (below.lower <= buffer.upper && buffer.lower <= below.upper)
        for (const Form &end : ends[upwards[j]])
          insert(offset, end);
    }
    shorten(offset, problem.at);
    for (const Form &begin : offset) {
      insert(ends[id], add(begin, sizes[id]));
      insert(plan.arena, add(begin, sizes[id]));
    }
  }
  shorten(plan.arena, problem.at);
  plan.arenaBytes = evaluate(plan.arena, problem.at);
  return plan;
}
