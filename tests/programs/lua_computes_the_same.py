# SPDX-License-Identifier: MIT
"""Lua: an interpreter that takes every byte through realloc and free, tables that grow and die."""

import harness

SCRIPT = r"""
local seed = 1
local function random(n)
    seed = (seed * 1103515245 + 12345) % 2147483648
    return seed // 65536 % n
end
local words, count = {}, {}
for i = 1, 60000 do
    local word = string.rep(string.char(97 + random(26)), 1 + random(9)) .. i % 1000
    words[i] = word
    count[word] = (count[word] or 0) + 1
end
table.sort(words)
local total = 0
for _, n in pairs(count) do total = total + n end
print('words', total, words[1], words[30000], words[60000])
local function tree(depth)
    if depth == 0 then return {} end
    return { tree(depth - 1), tree(depth - 1) }
end
local function size(node) return node[1] and 1 + size(node[1]) + size(node[2]) or 1 end
print('tree', size(tree(15)))
local text = table.concat(words, ' ')
print('text', #text, select(2, text:gsub('%d+', '#')))
local sum = 0
for i = 1, 20000 do
    local generator = coroutine.wrap(function() for k = 1, 3 do coroutine.yield(k * i) end end)
    sum = sum + generator() + generator()
end
print('coroutines', sum)
collectgarbage()
print('done')
"""


def check(workdir):
    lua = harness.program("lua5.4", "lua5.4")
    lines = harness.same([lua, "-e", SCRIPT]).decode().splitlines()
    harness.expect("words counted", lines[0].split("\t")[:2], ["words", "60000"])
    harness.expect("nodes of the tree", lines[1], f"tree\t{2 ** 16 - 1}")
    harness.expect("numbers in the text", lines[2].split("\t")[2], "60000")
    harness.expect("sum over coroutines", lines[3], f"coroutines\t{3 * sum(range(20001))}")
    harness.expect("last line", lines[4], "done")


harness.main(check)
