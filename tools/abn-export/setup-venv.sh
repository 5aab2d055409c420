#!/usr/bin/env bash
# Makes a Python environment with abn-export and the frameworks it was tested with: setup-venv.sh VENV_DIR
#
# Quick when nothing changed.  Nothing outside VENV_DIR is touched, but for Debian's python3-venv where it is missing and
# we are root.  With PIP_EXTRA_INDEX_URL=https://download.pytorch.org/whl/cpu pip takes PyTorch's own CPU wheels;
# without it PyPI's wheel is made to run without CUDA (cuda_stubs.py).
set -euo pipefail

if [ $# -ne 1 ]; then
  echo "usage: $0 VENV_DIR" >&2
  exit 1
fi
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
venv=$1
python=${PYTHON:-python3}
stamp=$venv/.abn-export-stamp
key=$(cd "$here" && { sha256sum requirements.txt cuda_stubs.py setup-venv.sh pyproject.toml; pwd; "$python" -VV; } | sha256sum | cut -d' ' -f1)

if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$key" ]; then
  echo "abn-export: $venv is up to date"
  exit 0
fi

echo "abn-export: setting up $venv with $("$python" -V): $(grep -vc '^#' "$here/requirements.txt") packages, about 850 MB to download:"
grep -E '^(torch|torchvision|timm|jax|flax|optax|keras|pytest)==' "$here/requirements.txt" | sed 's/^/  /'

rm -rf "$venv"
mkdir -p "$(dirname "$venv")"
if ! "$python" -m venv "$venv" 2>/dev/null; then
  if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    echo "abn-export: error: '$python -m venv' does not work; on Debian: apt-get install python3-venv" >&2
    exit 1
  fi
  echo "abn-export: installing python3-venv"
  apt-get install -y -qq --no-install-recommends python3-venv >/dev/null
  rm -rf "$venv"
  "$python" -m venv "$venv"
fi

pip() { "$venv/bin/python" -m pip --disable-pip-version-check --quiet "$@"; }
# pip remarks on the CUDA packages that are left out on purpose.
pip install --no-deps -r "$here/requirements.txt" 2> >(grep -v -e 'nvidia-' -e 'cuda-' -e 'triton' -e 'dependency resolver' >&2)
site=$("$venv/bin/python" -c 'import sysconfig; print(sysconfig.get_paths()["purelib"])')
"$venv/bin/python" "$here/cuda_stubs.py" "$site"
pip install --no-deps --no-build-isolation --editable "$here"
"$venv/bin/abn-export" --version
echo "$key" >"$stamp"
