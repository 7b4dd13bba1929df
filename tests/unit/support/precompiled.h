// SPDX-License-Identifier: MIT
//
// What most unit tests include, and takes longer to read than they do. Each includes what it needs
// itself; this only makes that cheap. Without #pragma once, of which g++ warns in what it compiles.

#include <algorithm>
#include <array>
#include <map>
#include <memory>
#include <memory_resource>
#include <set>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>
