# SPDX-License-Identifier: MIT
#
# What Python programs do all day: dictionaries of small objects, JSON there and back, string
# building, sorting with keys, and objects that refer to each other.
#
# usage: objects.py ROUNDS

import json
import random
import re
import sys


class Account:
    def __init__(self, number, owner):
        self.number = number
        self.owner = owner
        self.entries = []
        self.friends = []

    def book(self, amount, text):
        self.entries.append({"amount": amount, "text": text, "tags": [text[:3], str(amount)]})


def make_accounts(source, count):
    accounts = {}
    for number in range(count):
        account = Account(number, f"owner-{source.randrange(count)}")
        for _ in range(source.randrange(8)):
            account.book(source.randrange(-1000, 1000), f"entry {source.random():.6f}")
        accounts[f"account:{number}"] = account
    for account in accounts.values():
        account.friends = [accounts[f"account:{source.randrange(count)}"] for _ in range(3)]
    return accounts


def summarise(accounts):
    rows = [
        {
            "number": a.number,
            "owner": a.owner,
            "entries": a.entries,
            "friends": [f.number for f in a.friends],
        }
        for a in sorted(accounts.values(), key=lambda a: (a.owner, -a.number))
    ]
    return json.loads(json.dumps(rows))


def index_words(rows):
    words = {}
    for row in rows:
        for entry in row["entries"]:
            for word in re.split(r"[ .]", entry["text"]):
                words.setdefault(word, []).append(row["number"])
    return words


def main():
    source = random.Random(16)
    checksum = 0
    kept = []
    for _ in range(int(sys.argv[1])):
        accounts = make_accounts(source, 3000)
        words = index_words(summarise(accounts))
        text = "\n".join(f"{word}: {len(numbers)}" for word, numbers in sorted(words.items()))
        checksum = (checksum * 31 + sum(map(ord, text))) % (1 << 61)
        kept.append(words)
        if len(kept) > 5:
            kept.pop(source.randrange(len(kept)))
    print("checksum", checksum)


main()
