#!/bin/sh
# The reducer's question: 1 means that the file still shows what we look for.
grep -q 'abn.activation' "$1" && exit 1
exit 0
