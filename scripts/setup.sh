# shellcheck shell=bash disable=SC2034
# Sourced by ./dev: what a task needs on the machine. Debian packages are checked with one
# dpkg-query and installed only when missing; Python packages live in build/venv.

readonly LLVM=22
readonly BUILD_PACKAGES="libmlir-$LLVM-dev mlir-$LLVM-tools llvm-$LLVM-dev llvm-$LLVM-tools
  clang-$LLVM lld-$LLVM cmake ninja-build ccache libboost-context-dev libdnnl-dev
  libzip-dev python3"
readonly FORMAT_PACKAGES="clang-format-$LLVM"
readonly TIDY_PACKAGES="clang-tidy-$LLVM"
# For the tests of kernels for AMD's GPUs and for OpenCL: device libraries, a validator.
readonly GPU_TEST_PACKAGES="rocm-device-libs spirv-tools"
readonly BROWSER_PACKAGES="chromium"

say() { printf '== %s\n' "$*" >&2; }
die() {
  printf 'dev: error: %s\n' "$*" >&2
  exit 1
}

# need_packages PACKAGE...: installs those that are not there.
need_packages() {
  local missing=() package
  command -v dpkg-query >/dev/null || die "this needs Debian or a derivative (no dpkg-query);" \
    "install LLVM/MLIR $LLVM with shared libraries and use the CMake presets"
  local installed
  installed=$(dpkg-query -W -f '${Package} ${db:Status-Status}\n' "$@" 2>/dev/null || true)
  for package in "$@"; do
    grep -qx "$package installed" <<<"$installed" || missing+=("$package")
  done
  [ ${#missing[@]} -eq 0 ] && return
  local as_root=()
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || die "missing packages: ${missing[*]}" \
      "(run as root, or: apt-get install ${missing[*]})"
    as_root=(sudo)
  fi
  say "installing Debian packages: ${missing[*]}"
  "${as_root[@]}" apt-get update -qq ||
    die "apt-get update failed: is the network up?"
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq \
    --no-install-recommends "${missing[@]}" >/dev/null ||
    die "apt-get could not install ${missing[*]}; LLVM $LLVM is in Debian bookworm's" \
      "security archive and in trixie and later"
}

# A browser for the checks of the memory page. Without one they are reported as unsupported.
want_browser() {
  command -v chromium chromium-browser google-chrome >/dev/null && return
  # shellcheck disable=SC2086
  (need_packages $BROWSER_PACKAGES) ||
    say "no browser: test/Report/Page will be unsupported"
}

# make_rocm FOLDER: a ROCm toolkit of Debian's parts, as the compiler expects one: links to the device
# libraries and to LLVM, whose linker makes code objects.
make_rocm() {
  local libraries
  libraries=$(dpkg-query -L rocm-device-libs | grep -m 1 '/amdgcn/bitcode$') ||
    die "rocm-device-libs has no amdgcn/bitcode"
  mkdir -p "$1/amdgcn"
  ln -sfn "$libraries" "$1/amdgcn/bitcode"
  ln -sfn "/usr/lib/llvm-$LLVM" "$1/llvm"
}

# A Python that can make virtual environments: the user's, or else Debian's.
base_python() {
  local python=${PYTHON:-python3}
  if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    need_packages python3-venv
    python=/usr/bin/python3
  fi
  echo "$python"
}

# need_venv DIRECTORY REQUIREMENTS: a virtual environment with exactly the pinned packages.
need_venv() {
  local directory=$1 requirements=$2 stamp=$1/.installed
  cmp -s "$requirements" "$stamp" && return
  local python
  python=$(base_python)
  say "installing Python packages into $directory: $(grep -v '^#' "$requirements" | xargs)"
  "$python" -m venv "$directory"
  "$directory/bin/pip" install -q --disable-pip-version-check -r "$requirements" ||
    die "pip could not install $requirements"
  cp "$requirements" "$stamp"
}
