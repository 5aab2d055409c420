/* The emulator's controls. Kernels are loaded and launched through the host ABI that gpu-to-llvm
   calls (mgpuModuleLoad, mgpuLaunchKernel, ...), which libabn_runtime_emulator.so implements as
   well; these functions choose how kernels are executed and say what was found.

   An error (a data race, an access out of bounds, a divergent barrier, a failed assertion, an
   unknown kernel, no memory) does not end the process: it is recorded, what was launched is
   abandoned, and further launches and copies do nothing until abnEmulatorReset. Calls from several
   host threads take turns. */
#ifndef ABN_RUNTIME_EMULATOR_H
#define ABN_RUNTIME_EMULATOR_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* In which order the threads of a block run between two points where they wait, and the blocks of a
 * grid. */
typedef enum AbnEmulatorSchedule {
  ABN_EMULATOR_FORWARD = 0,
  ABN_EMULATOR_REVERSE = 1,
  /* A new order each time, the same for the same seed. */
  ABN_EMULATOR_RANDOM = 2
} AbnEmulatorSchedule;

/* The schedule of further launches; `seed` matters to ABN_EMULATOR_RANDOM only. */
void abnEmulatorSetSchedule(AbnEmulatorSchedule schedule, uint64_t seed);

/* Bytes of device memory that may be allocated at a time; more is an error. Initially 2^40. */
void abnEmulatorSetMemoryLimit(uint64_t bytes);

/* Forgets errors and counters, and lets the high-water mark start from what is allocated now.
   Modules, allocations, schedule and limit stay. */
void abnEmulatorReset(void);

/* How many errors there were since the last reset. */
uint64_t abnEmulatorErrorCount(void);

/* The message of the first error since the last reset, or "": what follows is often a consequence
   of it. Valid until the next call of the emulator. */
const char *abnEmulatorFirstError(void);

/* The most bytes of device memory that were allocated at a time since the last reset. */
uint64_t abnEmulatorHighWaterBytes(void);

/* Errors, counters and memory as JSON (docs/Emulator.md). Valid until the next call of the
 * emulator. */
const char *abnEmulatorReport(void);

#ifdef __cplusplus
}
#endif

#endif /* ABN_RUNTIME_EMULATOR_H */
