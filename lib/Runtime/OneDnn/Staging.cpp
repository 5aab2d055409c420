// f16 and bf16 to f32 and back.
#include "Staging.h"
#include "Runtime/Dnn/Errors.h"
#include "abn/Runtime/Dnn.h"
#include <cstring>

using namespace abn::runtime;

static uint32_t bitsOf(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  return bits;
}

static float floatOf(uint32_t bits) {
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

// f16: 5 exponent bits with bias 15, 10 mantissa bits. f32: 8 with bias 127, 23.
static constexpr uint32_t kRebias = (127 - 15) << 23;

float abn::runtime::fromHalf(uint16_t bits) {
  uint32_t sign = (bits & 0x8000u) << 16, magnitude = bits & 0x7fffu;
  if (magnitude >= 0x7c00) // infinity and NaN
    return floatOf(sign | 0x7f800000u | (magnitude & 0x3ffu) << 13);
  if (magnitude >= 0x0400)
    return floatOf(sign | ((magnitude << 13) + kRebias));
  float subnormal = static_cast<float>(magnitude) * 0x1p-24f;
  return floatOf(sign | bitsOf(subnormal));
}

uint16_t abn::runtime::toHalf(float value) {
  uint32_t bits = bitsOf(value), sign = (bits >> 16) & 0x8000u;
  bits &= 0x7fffffffu;
  if (bits > 0x7f800000u)
    return sign | 0x7e00u;
  // 65520 and above round to infinity.
  if (bits >= 0x477ff000u)
    return sign | 0x7c00u;
  // Below 2^-14: beside 0.5, whose ulp is 2^-24, the sum is rounded as the subnormal is.
  if (bits < 0x38800000u)
    return sign | (bitsOf(floatOf(bits) + 0.5f) - bitsOf(0.5f));
  uint32_t odd = (bits >> 13) & 1;
  return sign | ((bits - kRebias + 0xfffu + odd) >> 13);
}

float abn::runtime::fromBfloat(uint16_t bits) { return floatOf(static_cast<uint32_t>(bits) << 16); }

uint16_t abn::runtime::toBfloat(float value) {
  uint32_t bits = bitsOf(value);
  if ((bits & 0x7fffffffu) > 0x7f800000u)
    return (bits >> 16) | 0x40u;
  return (bits + 0x7fffu + ((bits >> 16) & 1)) >> 16;
}

static void convert(const void *data, int64_t element, std::vector<float> &values) {
  auto *bits = static_cast<const uint16_t *>(data);
  auto *read = element == ABN_DNN_F16 ? fromHalf : fromBfloat;
  for (size_t i = 0; i < values.size(); ++i)
    values[i] = read(bits[i]);
}

Source::Source(const void *data, int64_t element, int64_t count)
    : values(static_cast<const float *>(data)) {
  require(data, "expected an input, got null");
  if (element == ABN_DNN_F32)
    return;
  converted.resize(count);
  convert(data, element, converted);
  values = converted.data();
}

Result::Result(void *data, int64_t element, int64_t count, bool keep)
    : data(data), element(element), values(static_cast<float *>(data)) {
  require(data, "expected a result, got null");
  if (element == ABN_DNN_F32)
    return;
  converted.resize(count);
  if (keep)
    convert(data, element, converted);
  values = converted.data();
}

void Result::finish() {
  if (element == ABN_DNN_F32)
    return;
  auto *bits = static_cast<uint16_t *>(data);
  auto *write = element == ABN_DNN_F16 ? toHalf : toBfloat;
  for (size_t i = 0; i < converted.size(); ++i)
    bits[i] = write(converted[i]);
}
