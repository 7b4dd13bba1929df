-- SPDX-License-Identifier: MIT
--
-- Lua: tables, closures and strings under the garbage collector. Lua grows and frees everything
-- through realloc, many blocks of 16 to 100 bytes.
--
-- usage: tables.lua ROUNDS

local state = 18

local function number_below(bound)
  state = (state * 1103515245 + 12345) % 2147483648
  return (state // 65536) % bound
end

local function make_tree(depth)
  if depth == 0 then return { value = number_below(100) } end
  return { left = make_tree(depth - 1), right = make_tree(depth - 1), name = "node" .. number_below(1000) }
end

local function sum(tree)
  if tree.value then return tree.value end
  return sum(tree.left) + sum(tree.right) + #tree.name
end

local checksum = 0
local kept = {}
for round = 1, tonumber(arg[1]) do
  local tree = make_tree(11)
  kept[number_below(8) + 1] = tree
  local counters = {}
  for i = 1, 500 do
    local count = 0
    counters[i] = function(step) count = count + step; return count end
  end
  local parts = {}
  for i = 1, 2000 do
    parts[#parts + 1] = string.format("%d:%s", counters[number_below(500) + 1](i), "x" .. i)
  end
  local text = table.concat(parts, ",")
  for word in text:gmatch("[^,]+") do checksum = (checksum * 31 + #word) % 1000000007 end
  checksum = (checksum + sum(tree)) % 1000000007
end
print("checksum", checksum)
