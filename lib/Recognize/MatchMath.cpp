// The formulas of one batch norm on tiny arrays.
#include "abn/Recognize/BatchNormSearch.h"
#include <cmath>

using namespace mlir;
using namespace mlir::abn;

double MatchMath::inverseDeviation(size_t row) const {
  return 1 / std::sqrt(match.variance[row] + match.epsilon);
}

std::vector<double> MatchMath::normalized(ArrayRef<double> xs) const {
  std::vector<double> xhat(getTotal());
  for (size_t i = 0; i < xhat.size(); ++i)
    xhat[i] = (xs[i] - match.mean[rowOf(i)]) * inverseDeviation(rowOf(i));
  return xhat;
}

ChannelRow MatchMath::means(ArrayRef<double> u) const {
  ChannelRow means(kTrials * view.channels, 0);
  for (size_t i = 0; i < u.size(); ++i)
    means[rowOf(i)] += u[i];
  for (double &x : means)
    x *= static_cast<double>(view.channels) / info.count;
  return means;
}

ChannelRow MatchMath::correlation(ArrayRef<double> u, ArrayRef<double> xhat) const {
  std::vector<double> product(u.size());
  for (size_t i = 0; i < u.size(); ++i)
    product[i] = u[i] * xhat[i];
  return means(product);
}

ChannelRow MatchMath::scaled(ChannelRow row, double factor) const {
  for (double &x : row)
    x *= factor;
  return row;
}

std::vector<double> MatchMath::inputGrad(ArrayRef<double> u, ArrayRef<double> xhat) const {
  ChannelRow mean = means(u), slope = correlation(u, xhat);
  std::vector<double> dx(u.size());
  for (size_t i = 0; i < u.size(); ++i) {
    size_t row = rowOf(i);
    dx[i] = match.gammaRow[row] * inverseDeviation(row) * (u[i] - mean[row] - xhat[i] * slope[row]);
  }
  return dx;
}
