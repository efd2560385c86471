# Sourced by tools/test and tools/quickstart: the repository's place, package installation, build helpers.
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
jobs=${ASSAY_JOBS:-$(nproc)}

say() { printf '== %s\n' "$*"; }
die() { printf 'error: %s\n' "$*" >&2; exit 2; }

# packages KIND...: the names listed in packages.txt for these kinds.
packages() {
  local kind
  for kind in "$@"; do awk -v kind="$kind" '!/^#/ && $2 == kind { print $1 }' "$root/tools/packages.txt"; done
}

# install_packages KIND...: installs what is missing; asks for no rights when nothing is.
install_packages() {
  command -v dpkg-query >/dev/null || die "this script installs Debian packages; elsewhere install what tools/packages.txt lists and use cmake"
  local name missing=() as_root=()
  for name in $(packages "$@"); do
    dpkg-query -W -f '${Status}' "$name" 2>/dev/null | grep -q 'ok installed' || missing+=("$name")
  done
  ((${#missing[@]})) || return 0
  if ((EUID != 0)); then
    command -v sudo >/dev/null || die "missing packages and neither root nor sudo: apt-get install ${missing[*]}"
    as_root=(sudo)
  fi
  say "installing ${missing[*]}"
  "${as_root[@]}" apt-get update -qq
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}

# configure FOLDER OPTION...: a Release tree; the generator is chosen on first use only.
configure() {
  local folder=$1
  shift
  local generator=()
  [[ -f $folder/CMakeCache.txt ]] || generator=(-G Ninja -DCMAKE_BUILD_TYPE=Release)
  cmake -S "$root" -B "$folder" "${generator[@]}" "$@"
}
