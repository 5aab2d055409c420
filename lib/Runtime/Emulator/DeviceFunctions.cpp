#include "DeviceFunctions.h"
#include "Launch.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/ADT/bit.h"
#include <cfenv>
#include <cmath>
#include <cstring>

using namespace abn::emulator;

alignas(256) static char dynamicWorkgroup[kMaxDynamicWorkgroupBytes];

//===----------------------------------------------------------------------===//
// Threads
//===----------------------------------------------------------------------===//

template <unsigned dim> static uint32_t getTid() { return Launch::getRunning().getThreadId(dim); }
template <unsigned dim> static uint32_t getCtaid() { return Launch::getRunning().getBlockId(dim); }
template <unsigned dim> static uint32_t getNtid() {
  return Launch::getRunning().getShape().block[dim];
}
template <unsigned dim> static uint32_t getNctaid() {
  return Launch::getRunning().getShape().grid[dim];
}
static uint32_t getLaneid() { return Launch::getRunning().getLane(); }
static uint32_t getWarpsize() { return kWarpSize; }
/// AMD's count of the lanes before this one, of those in the mask, added to `base`.
static uint32_t countLow(uint32_t mask, uint32_t base) {
  uint64_t before = (uint64_t(1) << getLaneid()) - 1;
  return base + llvm::popcount(mask & static_cast<uint32_t>(before));
}
static uint32_t countHigh(uint32_t mask, uint32_t base) {
  uint64_t before = (uint64_t(1) << getLaneid()) - 1;
  return base + llvm::popcount(mask & static_cast<uint32_t>(before >> 32));
}
/// AMD's hidden arguments, as code objects of version 5 have them: blocks, threads per block.
static const void *getHiddenArguments() {
  static struct {
    uint32_t blocks[3];
    uint16_t threads[3], rest[3];
    char others[232];
  } hidden;
  const LaunchShape &shape = Launch::getRunning().getShape();
  for (unsigned dim = 0; dim < 3; ++dim) {
    hidden.blocks[dim] = shape.grid[dim];
    hidden.threads[dim] = static_cast<uint16_t>(shape.block[dim]);
  }
  return &hidden;
}
/// OpenCL's functions take the dimension.
static uint64_t getLocalId(uint32_t dim) { return Launch::getRunning().getThreadId(dim); }
static uint64_t getGroupId(uint32_t dim) { return Launch::getRunning().getBlockId(dim); }
static uint64_t getLocalSize(uint32_t dim) { return Launch::getRunning().getShape().block[dim]; }
static uint64_t getNumGroups(uint32_t dim) { return Launch::getRunning().getShape().grid[dim]; }
static uint64_t getGlobalId(uint32_t dim) {
  return getGroupId(dim) * getLocalSize(dim) + getLocalId(dim);
}

static void barrier(uint32_t number) { Launch::getRunning().barrier(number); }
static void barrierZero() { barrier(0); }
/// Whatever memory it orders.
static void barrierOfFlags(uint32_t) { barrier(0); }
/// Threads run one at a time: memory is in order.
static void fence() {}

static uint64_t warp(uint32_t op, uint32_t mask, uint32_t value, uint32_t offset, uint32_t clamp) {
  auto kind = static_cast<WarpOp>(op);
  bool isWave = kind == WarpOp::Permute || kind == WarpOp::Swizzle;
  WarpResult result =
      Launch::getRunning().warpOp({kind, isWave ? ~uint64_t(0) : mask, value, offset, clamp});
  return uint64_t(result.predicate) << 32 | result.value;
}

static void checkAccess(uint64_t address, uint32_t bytes, uint32_t alignment, uint32_t kind,
                        uint32_t space, uint32_t isInBounds, uint32_t site) {
  // Of an i1 argument only the lowest bit is defined.
  Launch::getRunning().access({address, bytes, alignment, static_cast<AccessKind>(kind),
                               static_cast<Space>(space), (isInBounds & 1) != 0, site});
}

static void branch(uint32_t site, uint32_t condition) {
  Launch::getRunning().branch(site, (condition & 1) != 0);
}

static void setSite(uint32_t site) { Launch::getRunning().setSite(site); }

static void failAssertion(const char *message, const char *, uint32_t, const char *, uint64_t) {
  Launch::getRunning().failAssertion(message);
}

static void trap() { Launch::getRunning().failAssertion("the kernel trapped"); }
/// What abn-to-gpu's kernels for OpenCL print is that an assertion failed.
static int32_t print(const char *format, ...) {
  Launch::getRunning().failAssertion(llvm::StringRef(format).rtrim().str());
  return 0;
}

//===----------------------------------------------------------------------===//
// Arithmetic
//===----------------------------------------------------------------------===//

template <typename T> static T rsqrt(T x) { return T(1) / std::sqrt(x); }
template <typename T> static T reciprocal(T x) { return T(1) / x; }
template <typename T> static T saturate(T x) { return x > 0 ? (x < 1 ? x : T(1)) : T(0); }
template <typename T> static T add(T x, T y) { return x + y; }
template <typename T> static T multiply(T x, T y) { return x * y; }
template <typename T> static T divide(T x, T y) { return x / y; }

/// x * y + z under a rounding mode. The compiler knows nothing of rounding modes: volatile keeps
/// the arithmetic between the two changes.
template <int mode, typename T> static T fmaRounded(T x, T y, T z) {
  int before = std::fegetround();
  std::fesetround(mode);
  volatile T factor = x;
  volatile T result = std::fma(T(factor), y, z);
  std::fesetround(before);
  return result;
}

template <typename T> static T addTowardZero(T x, T y) {
  return fmaRounded<FE_TOWARDZERO, T>(x, T(1), y);
}

template <typename T> static int32_t toInteger(T x) {
  if (std::isnan(x))
    return 0;
  return static_cast<int32_t>(std::fmin(std::fmax(std::nearbyint(x), T(INT32_MIN)), T(INT32_MAX)));
}

static float fractionOf(float x) {
  int exponent;
  return std::frexp(x, &exponent);
}

static int32_t exponentOf(float x) {
  int exponent = 0;
  if (std::isfinite(x))
    (void)std::frexp(x, &exponent);
  return exponent;
}

static int32_t highWord(double x) {
  uint64_t bits;
  std::memcpy(&bits, &x, sizeof bits);
  return static_cast<int32_t>(bits >> 32);
}

static int32_t lowWord(double x) {
  uint64_t bits;
  std::memcpy(&bits, &x, sizeof bits);
  return static_cast<int32_t>(bits);
}

static double fromWords(uint32_t low, uint32_t high) {
  uint64_t bits = uint64_t(high) << 32 | low;
  double x;
  std::memcpy(&x, &bits, sizeof x);
  return x;
}

/// f32 to bf16, to nearest even; not every compiler's run-time library has it.
static __bf16 roundToBf16(float x) {
  uint32_t bits;
  std::memcpy(&bits, &x, sizeof bits);
  auto rounded = static_cast<uint16_t>(std::isnan(x) ? (bits >> 16) | 0x40
                                                     : (bits + 0x7FFF + (bits >> 16 & 1)) >> 16);
  __bf16 result;
  std::memcpy(&result, &rounded, sizeof result);
  return result;
}

//===----------------------------------------------------------------------===//
// The table
//===----------------------------------------------------------------------===//

using Table = llvm::StringMap<void *>;

template <typename Result, typename... Arguments>
static void define(Table &table, llvm::StringRef name, Result (*function)(Arguments...)) {
  table[name] = reinterpret_cast<void *>(function);
}

// For overloaded functions.
template <typename T>
static void defineUnary(Table &table, llvm::StringRef name, T (*function)(T)) {
  define(table, name, function);
}
template <typename T>
static void defineBinary(Table &table, llvm::StringRef name, T (*function)(T, T)) {
  define(table, name, function);
}

static void addThreads(Table &table) {
  const char *axes[] = {"x", "y", "z"};
  uint32_t (*tid[])() = {getTid<0>, getTid<1>, getTid<2>};
  uint32_t (*ctaid[])() = {getCtaid<0>, getCtaid<1>, getCtaid<2>};
  uint32_t (*ntid[])() = {getNtid<0>, getNtid<1>, getNtid<2>};
  uint32_t (*nctaid[])() = {getNctaid<0>, getNctaid<1>, getNctaid<2>};
  const std::string sreg = "llvm.nvvm.read.ptx.sreg.";
  for (unsigned dim = 0; dim < 3; ++dim) {
    define(table, sreg + "tid." + axes[dim], tid[dim]);
    define(table, sreg + "ctaid." + axes[dim], ctaid[dim]);
    define(table, sreg + "ntid." + axes[dim], ntid[dim]);
    define(table, sreg + "nctaid." + axes[dim], nctaid[dim]);
  }
  define(table, sreg + "laneid", getLaneid);
  define(table, sreg + "warpsize", getWarpsize);
  define(table, "llvm.nvvm.barrier.cta.sync.aligned.all", barrier);
  define(table, "llvm.nvvm.barrier.cta.sync.all", barrier);
  define(table, "llvm.nvvm.barrier0", barrierZero);
  for (const char *scope : {"cta", "gl", "sys"})
    define(table, std::string("llvm.nvvm.membar.") + scope, fence);
  define(table, kWarpFunction, warp);
  define(table, abn::instrumentation::kAccessFunction, checkAccess);
  define(table, abn::instrumentation::kBranchFunction, branch);
  define(table, abn::instrumentation::kSiteFunction, setSite);
  define(table, "__assertfail", failAssertion);
  table[kDynamicWorkgroup] = dynamicWorkgroup;
}

/// What is left in kernels for AMD once ROCm's device libraries are linked.
static void addAmd(Table &table) {
  const char *axes[] = {"x", "y", "z"};
  uint32_t (*item[])() = {getTid<0>, getTid<1>, getTid<2>};
  uint32_t (*group[])() = {getCtaid<0>, getCtaid<1>, getCtaid<2>};
  for (unsigned dim = 0; dim < 3; ++dim) {
    define(table, std::string("llvm.amdgcn.workitem.id.") + axes[dim], item[dim]);
    define(table, std::string("llvm.amdgcn.workgroup.id.") + axes[dim], group[dim]);
  }
  define(table, "llvm.amdgcn.implicitarg.ptr", getHiddenArguments);
  define(table, "llvm.amdgcn.mbcnt.lo", countLow);
  define(table, "llvm.amdgcn.mbcnt.hi", countHigh);
  define(table, "llvm.amdgcn.s.barrier", barrierZero);
  define(table, "llvm.amdgcn.rcp.f32", reciprocal<float>);
  define(table, "llvm.amdgcn.frexp.mant.f32", fractionOf);
  define(table, "llvm.amdgcn.frexp.exp.i32.f32", exponentOf);
  define(table, "llvm.trap", trap);
}

/// OpenCL's functions under the names that the SPIR-V back end knows.
static void addOpenCl(Table &table) {
  define(table, "_Z12get_local_idj", getLocalId);
  define(table, "_Z12get_group_idj", getGroupId);
  define(table, "_Z14get_local_sizej", getLocalSize);
  define(table, "_Z14get_num_groupsj", getNumGroups);
  define(table, "_Z13get_global_idj", getGlobalId);
  define(table, "_Z7barrierj", barrierOfFlags);
  table["_Z6printfPU3AS2Kcz"] = reinterpret_cast<void *>(print);
  defineUnary<float>(table, "_Z3tanf", std::tan);
  defineUnary<float>(table, "_Z4acosf", std::acos);
  defineUnary<float>(table, "_Z4asinf", std::asin);
  defineUnary<float>(table, "_Z4atanf", std::atan);
  defineUnary<float>(table, "_Z4coshf", std::cosh);
  defineUnary<float>(table, "_Z4sinhf", std::sinh);
  defineUnary<float>(table, "_Z4tanhf", std::tanh);
  defineUnary<float>(table, "_Z3erff", std::erf);
  defineUnary<float>(table, "_Z4erfcf", std::erfc);
  defineUnary<float>(table, "_Z5expm1f", std::expm1);
  defineUnary<float>(table, "_Z5log1pf", std::log1p);
  defineUnary<float>(table, "_Z4cbrtf", std::cbrt);
  define(table, "_Z5rsqrtf", rsqrt<float>);
  defineUnary<float>(table, "_Z5acoshf", std::acosh);
  defineUnary<float>(table, "_Z5asinhf", std::asinh);
  defineUnary<float>(table, "_Z5atanhf", std::atanh);
}

/// libdevice's names, where kernels were not linked with libdevice.
static void addLibdevice(Table &table) {
#define ABN_UNARY(name)                                                                            \
  defineUnary<double>(table, "__nv_" #name, std::name);                                            \
  defineUnary<float>(table, "__nv_" #name "f", std::name)
#define ABN_BINARY(name)                                                                           \
  defineBinary<double>(table, "__nv_" #name, std::name);                                           \
  defineBinary<float>(table, "__nv_" #name "f", std::name)
  ABN_UNARY(acos);
  ABN_UNARY(acosh);
  ABN_UNARY(asin);
  ABN_UNARY(asinh);
  ABN_UNARY(atan);
  ABN_UNARY(atanh);
  ABN_UNARY(cbrt);
  ABN_UNARY(ceil);
  ABN_UNARY(cos);
  ABN_UNARY(cosh);
  ABN_UNARY(erf);
  ABN_UNARY(erfc);
  ABN_UNARY(exp);
  ABN_UNARY(exp2);
  ABN_UNARY(expm1);
  ABN_UNARY(fabs);
  ABN_UNARY(floor);
  ABN_UNARY(log);
  ABN_UNARY(log10);
  ABN_UNARY(log1p);
  ABN_UNARY(log2);
  ABN_UNARY(rint);
  ABN_UNARY(round);
  ABN_UNARY(sin);
  ABN_UNARY(sinh);
  ABN_UNARY(sqrt);
  ABN_UNARY(tan);
  ABN_UNARY(tanh);
  ABN_UNARY(trunc);
  ABN_BINARY(atan2);
  ABN_BINARY(copysign);
  ABN_BINARY(fmax);
  ABN_BINARY(fmin);
  ABN_BINARY(fmod);
  ABN_BINARY(pow);
#undef ABN_UNARY
#undef ABN_BINARY
}

/// What libm does not have, and the less accurate functions that fast math chooses.
static void addOtherLibdevice(Table &table) {
  define(table, "__nv_rsqrt", rsqrt<double>);
  define(table, "__nv_rsqrtf", rsqrt<float>);
  defineUnary<float>(table, "__nv_fast_expf", std::exp);
  defineUnary<float>(table, "__nv_fast_logf", std::log);
  defineUnary<float>(table, "__nv_fast_log2f", std::log2);
  defineUnary<float>(table, "__nv_fast_log10f", std::log10);
  defineUnary<float>(table, "__nv_fast_sinf", std::sin);
  defineUnary<float>(table, "__nv_fast_cosf", std::cos);
  defineUnary<float>(table, "__nv_fast_tanf", std::tan);
  defineBinary<float>(table, "__nv_fast_powf", std::pow);
}

/// The intrinsics that libdevice is made of. Those that are approximate on a GPU are exact here.
template <typename T> static void addIntrinsics(Table &table, const char *type) {
  auto name = [&](const char *intrinsic) { return std::string("llvm.nvvm.") + intrinsic + type; };
  define(table, name("add.rn."), add<T>);
  define(table, name("add.rz."), addTowardZero<T>);
  define(table, name("div.rn."), divide<T>);
  defineUnary<T>(table, name("fabs."), std::fabs);
  define(table, name("fma.rm."), fmaRounded<FE_DOWNWARD, T>);
  define(table, name("fma.rn."), fmaRounded<FE_TONEAREST, T>);
  define(table, name("fma.rp."), fmaRounded<FE_UPWARD, T>);
  define(table, name("fma.rz."), fmaRounded<FE_TOWARDZERO, T>);
  defineBinary<T>(table, name("fmax."), std::fmax);
  defineBinary<T>(table, name("fmin."), std::fmin);
  define(table, name("mul.rn."), multiply<T>);
  define(table, name("rcp.rn."), reciprocal<T>);
  defineUnary<T>(table, name("round."), std::nearbyint);
  define(table, name("rsqrt.approx."), rsqrt<T>);
  define(table, name("saturate."), saturate<T>);
  defineUnary<T>(table, name("sqrt.rn."), std::sqrt);
}

static void addApproximations(Table &table) {
  for (const std::string ftz : {"", "ftz."}) {
    define(table, "llvm.nvvm.div.approx." + ftz + "f", divide<float>);
    defineUnary<float>(table, "llvm.nvvm.ex2.approx." + ftz + "f", std::exp2);
    defineUnary<float>(table, "llvm.nvvm.ex2.approx." + ftz + "f32", std::exp2);
    defineUnary<float>(table, "llvm.nvvm.lg2.approx." + ftz + "f", std::log2);
    define(table, "llvm.nvvm.rcp.approx." + ftz + "f", reciprocal<float>);
    define(table, "llvm.nvvm.rcp.approx." + ftz + "d", reciprocal<double>);
    define(table, "llvm.nvvm.rsqrt.approx." + ftz + "f", rsqrt<float>);
    defineUnary<float>(table, "llvm.nvvm.sqrt.approx." + ftz + "f", std::sqrt);
    defineUnary<float>(table, "llvm.nvvm.sin.approx." + ftz + "f", std::sin);
    defineUnary<float>(table, "llvm.nvvm.cos.approx." + ftz + "f", std::cos);
  }
  defineUnary<float>(table, "llvm.nvvm.tanh.approx.f", std::tanh);
  defineUnary<float>(table, "llvm.nvvm.fabs.f32", std::fabs);
  defineUnary<double>(table, "llvm.nvvm.fabs.f64", std::fabs);
  define(table, "llvm.nvvm.f2i.rn", toInteger<float>);
  define(table, "llvm.nvvm.d2i.rn", toInteger<double>);
  define(table, "llvm.nvvm.d2i.hi", highWord);
  define(table, "llvm.nvvm.d2i.lo", lowWord);
  define(table, "llvm.nvvm.lohi.i2d", fromWords);
  define(table, "__truncsfbf2", roundToBf16);
}

static Table makeTable() {
  Table table;
  addThreads(table);
  addLibdevice(table);
  addOtherLibdevice(table);
  addIntrinsics<float>(table, "f");
  addIntrinsics<double>(table, "d");
  addApproximations(table);
  addAmd(table);
  addOpenCl(table);
  return table;
}

void *abn::emulator::findDeviceFunction(llvm::StringRef name) {
  static const Table *table = new Table(makeTable());
  return table->lookup(name);
}

std::optional<WarpOp> abn::emulator::findWarpOp(llvm::StringRef intrinsic) {
  using Result = std::optional<WarpOp>;
  if (intrinsic.consume_front("llvm.amdgcn.ds."))
    return llvm::StringSwitch<Result>(intrinsic)
        .Case("bpermute", WarpOp::Permute)
        .Case("swizzle", WarpOp::Swizzle)
        .Default(std::nullopt);
  if (!intrinsic.consume_front("llvm.nvvm."))
    return std::nullopt;
  return llvm::StringSwitch<Result>(intrinsic)
      .StartsWith("shfl.sync.up.", WarpOp::ShuffleUp)
      .StartsWith("shfl.sync.down.", WarpOp::ShuffleDown)
      .StartsWith("shfl.sync.bfly.", WarpOp::ShuffleBfly)
      .StartsWith("shfl.sync.idx.", WarpOp::ShuffleIdx)
      .Case("vote.any.sync", WarpOp::VoteAny)
      .Case("vote.all.sync", WarpOp::VoteAll)
      .Case("vote.uni.sync", WarpOp::VoteUni)
      .Case("vote.ballot.sync", WarpOp::VoteBallot)
      .Case("match.any.sync.i32", WarpOp::MatchAny)
      .Case("redux.sync.add", WarpOp::ReduceAdd)
      .Case("redux.sync.min", WarpOp::ReduceMin)
      .Case("redux.sync.max", WarpOp::ReduceMax)
      .Case("redux.sync.umin", WarpOp::ReduceUmin)
      .Case("redux.sync.umax", WarpOp::ReduceUmax)
      .Case("redux.sync.and", WarpOp::ReduceAnd)
      .Case("redux.sync.or", WarpOp::ReduceOr)
      .Case("redux.sync.xor", WarpOp::ReduceXor)
      .Default(std::nullopt);
}
