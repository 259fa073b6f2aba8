#!/bin/sh
# Prints the path of a Python 3.13 that runs. A `python3.13` on the PATH need not: pyenv puts one there for every
# version it knows, and most of them refuse.
root="$(cd "$(dirname "$0")/../.." && pwd)"
pyenv_root="${PYENV_ROOT:-$HOME/.pyenv}"
uv="$root/.venv/bin/uv"
[ -x "$uv" ] || uv=uv
for python in "${PYTHON313:-python3.13}" python3.13 "$pyenv_root"/versions/3.13*/bin/python3.13 python3 "$("$uv" python find 3.13 2>/dev/null)"; do
  "$python" -c 'import sys; assert sys.version_info[:2] == (3, 13); print(sys.executable)' 2>/dev/null && exit 0
done
echo "Building for Lambda needs Python 3.13, and none was found: install it (one way: .venv/bin/uv python install 3.13) or name one with PYTHON313=/path/to/python3.13." >&2
exit 1
