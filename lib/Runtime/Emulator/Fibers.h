// Stacks to run the threads of a block on, one at a time.
#ifndef ABN_RUNTIME_EMULATOR_FIBERS_H
#define ABN_RUNTIME_EMULATOR_FIBERS_H

#include <boost/context/detail/fcontext.hpp>
#include <cstdint>
#include <vector>

namespace abn::emulator {

/// Fibres with stacks of 256 KiB and a guard page each; the stacks are used again. A fibre that is
/// not resumed any more is forgotten: its frames must own nothing.
class Fibers {
public:
  using Body = void (*)(void *);

  Fibers() = default;
  Fibers(const Fibers &) = delete;
  ~Fibers();

  /// Gives fibres 0 ... count - 1 a fresh start in `body(argument)`. False if there is no memory.
  bool start(unsigned count, Body body, void *argument);

  /// Runs a fibre until it suspends itself. Not after it has returned from its body.
  void resume(unsigned fiber);
  /// Called on a fibre: goes back to where it was resumed.
  void suspend();

  /// Whether the address is on the stack of the fibre.
  bool owns(unsigned fiber, uint64_t address) const;

private:
  static void run(boost::context::detail::transfer_t from);
  bool reserve(unsigned count);

  std::vector<boost::context::detail::fcontext_t> contexts;
  std::vector<char *> stacks;
  boost::context::detail::fcontext_t scheduler = nullptr;
  Body body = nullptr;
  void *argument = nullptr;
};

} // namespace abn::emulator

#endif // ABN_RUNTIME_EMULATOR_FIBERS_H
