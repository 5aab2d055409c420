// Operands in f32. oneDNN 2.6 has no f16 on the CPU, and bf16 only on some: both are converted,
// computed in f32 and rounded once, to nearest even.
#ifndef ABN_LIB_RUNTIME_ONEDNN_STAGING_H
#define ABN_LIB_RUNTIME_ONEDNN_STAGING_H

#include <cstdint>
#include <vector>

namespace abn::runtime {

float fromHalf(uint16_t bits);
uint16_t toHalf(float value);
float fromBfloat(uint16_t bits);
uint16_t toBfloat(float value);

/// `count` elements that are read: the caller's own array for f32, else a converted copy.
class Source {
public:
  /// Throws Error if `data` is null.
  Source(const void *data, int64_t element, int64_t count);
  const float *get() const { return values; }

private:
  std::vector<float> converted;
  const float *values;
};

/// `count` elements that are written: the caller's own array for f32, else one that `finish`
/// rounds.
class Result {
public:
  /// With `keep` the copy starts from what the array holds. Throws Error if `data` is null.
  Result(void *data, int64_t element, int64_t count, bool keep = false);
  float *get() { return values; }
  /// Writes the values to the caller's array.
  void finish();

private:
  void *data;
  int64_t element;
  std::vector<float> converted;
  float *values;
};

} // namespace abn::runtime

#endif // ABN_LIB_RUNTIME_ONEDNN_STAGING_H
