// SPDX-License-Identifier: MIT
#include <ostream>

#include <tarn/recommend.h>

namespace tarn {

std::ostream& operator<<(std::ostream& out, const Recommendation& recommendation)
{
    out << recommendation.type;
    if (*recommendation.options != '\0') out << ' ' << recommendation.options;
    return out << " from " << recommendation.header << ": " << recommendation.reason;
}

} // namespace tarn
