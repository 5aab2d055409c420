#include "ShadowMemory.h"
#include <algorithm>

using namespace abn::emulator;

namespace {
constexpr uint64_t kPageBytes = 1024;

/// Accesses that do not race with each other, reduced to three that race with whatever races with
/// one of them: two threads' of the latest block and epoch, and one of another block.
struct AccessSet {
  const Accessor *findUnordered(const Accessor &accessor) const {
    for (const Accessor *member : {&other, &first, &second})
      if (member->isValid() && !member->isOrderedWith(accessor))
        return member;
    return nullptr;
  }

  void insert(const Accessor &accessor) {
    if (first.isValid() && first.block == accessor.block && first.epoch == accessor.epoch) {
      if (first.thread != accessor.thread)
        second = accessor;
      return;
    }
    if (first.isValid() && first.block != accessor.block)
      other = first;
    first = accessor;
    second = Accessor();
  }

  Accessor other, first, second;
};

/// Writes are ordered among each other, or there was a race: the last one stands for all.
struct Cell {
  Accessor write;
  AccessSet reads;
};
} // namespace

/// Cells of four bytes each until an access touches part of one, then of one byte each.
struct ShadowMemory::Page {
  Page() : cells(kPageBytes / cellBytes) {}

  void refine() {
    auto split = [this](auto &coarse) {
      std::remove_reference_t<decltype(coarse)> fine;
      fine.reserve(coarse.empty() ? 0 : kPageBytes);
      for (const auto &cell : coarse)
        fine.insert(fine.end(), cellBytes, cell);
      coarse = std::move(fine);
    };
    split(cells);
    split(atomics);
    cellBytes = 1;
  }

  std::optional<Race> record(uint64_t index, AccessKind kind, const Accessor &accessor) {
    Cell &cell = cells[index];
    auto race = [](const Accessor &earlier, AccessKind earlierKind) {
      return Race{earlier, earlierKind, 0};
    };
    if (cell.write.isValid() && !cell.write.isOrderedWith(accessor))
      return race(cell.write, AccessKind::Store);
    if (kind != AccessKind::Load)
      if (const Accessor *read = cell.reads.findUnordered(accessor))
        return race(*read, AccessKind::Load);
    if (kind != AccessKind::Atomic && !atomics.empty())
      if (const Accessor *atomic = atomics[index].findUnordered(accessor))
        return race(*atomic, AccessKind::Atomic);
    insert(index, kind, accessor);
    return std::nullopt;
  }

  void insert(uint64_t index, AccessKind kind, const Accessor &accessor) {
    switch (kind) {
    case AccessKind::Load:
      return cells[index].reads.insert(accessor);
    case AccessKind::Store:
      cells[index].write = accessor;
      return;
    case AccessKind::Atomic:
      atomics.resize(cells.size());
      return atomics[index].insert(accessor);
    }
  }

  uint64_t cellBytes = 4;
  std::vector<Cell> cells;
  /// Empty until there is an atomic access: few pages have one.
  std::vector<AccessSet> atomics;
};

ShadowMemory::ShadowMemory() = default;
ShadowMemory::~ShadowMemory() = default;

void ShadowMemory::clear() {
  pages.clear();
  lastPage = nullptr;
}

ShadowMemory::Page &ShadowMemory::getPage(uint64_t number) {
  if (lastPage && lastNumber == number)
    return *lastPage;
  std::unique_ptr<Page> &page = pages[number];
  if (!page)
    page = std::make_unique<Page>();
  lastNumber = number;
  return *(lastPage = page.get());
}

std::optional<Race> ShadowMemory::record(uint64_t address, uint32_t bytes, AccessKind kind,
                                         const Accessor &accessor) {
  for (uint64_t at = address, end = address + bytes; at < end;) {
    Page &page = getPage(at / kPageBytes);
    uint64_t begin = at % kPageBytes, stop = std::min(begin + (end - at), kPageBytes);
    if (begin % page.cellBytes || stop % page.cellBytes)
      page.refine();
    for (uint64_t offset = begin; offset < stop; offset += page.cellBytes)
      if (std::optional<Race> race = page.record(offset / page.cellBytes, kind, accessor)) {
        race->address = at + offset - begin;
        return race;
      }
    at += stop - begin;
  }
  return std::nullopt;
}
