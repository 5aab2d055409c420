// Elements of the fake libraries' operands as numbers, by nothing of the runtime's.
#ifndef ABN_TEST_RUNTIME_CUDA_FAKEELEMENTS_H
#define ABN_TEST_RUNTIME_CUDA_FAKEELEMENTS_H

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>

namespace abn::fake {

enum class Element { F32, F16, BF16 };

inline double load(Element element, const void *data, int64_t i) {
  switch (element) {
  case Element::F32:
    return static_cast<const float *>(data)[i];
  case Element::F16:
    return static_cast<double>(static_cast<const _Float16 *>(data)[i]);
  case Element::BF16:
    break;
  }
  uint32_t bits = static_cast<uint32_t>(static_cast<const uint16_t *>(data)[i]) << 16;
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

inline void store(Element element, void *data, int64_t i, double value) {
  auto single = static_cast<float>(value);
  switch (element) {
  case Element::F32:
    static_cast<float *>(data)[i] = single;
    return;
  case Element::F16:
    static_cast<_Float16 *>(data)[i] = static_cast<_Float16>(single);
    return;
  case Element::BF16:
    break;
  }
  // Rounded by arithmetic: 7 bits behind the leading one are kept, ties go to even.
  if (std::isfinite(single) && single != 0) {
    double step = std::ldexp(1.0, std::max(std::ilogb(single), -126) - 7);
    single = static_cast<float>(std::nearbyint(single / step) * step);
  }
  uint32_t bits;
  std::memcpy(&bits, &single, sizeof bits);
  static_cast<uint16_t *>(data)[i] = std::isnan(single) ? 0x7fc0 : bits >> 16;
}

} // namespace abn::fake

#endif // ABN_TEST_RUNTIME_CUDA_FAKEELEMENTS_H
