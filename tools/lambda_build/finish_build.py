"""What `make build` does after `sam build`: ties the built template to its architecture and prints the sizes.

    python finish_build.py <build directory> <architecture>

Packages built for one processor do not load on the other, and `sam deploy` would not notice. So the built template
allows no other value of its parameter Architecture, and CloudFormation refuses one.
"""

import sys
import tempfile
import zipfile
from pathlib import Path

# for a function and its layers together: docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
UNZIPPED_LIMIT_MB = 250
LAYER_ID = "StepcallLayer"
EITHER = "    Default: arm64\n    AllowedValues:\n    - arm64\n    - x86_64\n"


def allow_only(architecture: str, template: str) -> str:
    """The template with `architecture` as the default and the only value of its parameter Architecture."""
    if template.count(EITHER) != 1:
        raise SystemExit("the built template does not have the parameter Architecture as `sam build` writes it")
    return template.replace(EITHER, f"    Default: {architecture}\n    AllowedValues:\n    - {architecture}\n")


def unzipped_size(folder: Path) -> float:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 2**20


def zipped_size(folder: Path) -> float:
    with tempfile.TemporaryFile() as file:
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            for path in sorted(folder.rglob("*")):
                archive.write(path, path.relative_to(folder))
        return file.tell() / 2**20


def print_sizes(build: Path) -> None:
    """A line for each function and the layer. Ends with an error when one is too large with the layer."""
    sizes = {folder.name: unzipped_size(folder) for folder in sorted(build.iterdir()) if folder.is_dir()}
    print(f"{'MB':24}{'zipped':>8}{'unzipped':>10}{'with layer':>12}")
    for name, size in sizes.items():
        together = size + (sizes[LAYER_ID] if name != LAYER_ID else 0)
        print(f"{name:24}{zipped_size(build / name):8.1f}{size:10.1f}{together:12.1f}")
        if together > UNZIPPED_LIMIT_MB:
            raise SystemExit(f"{name} and the layer are over Lambda's limit of {UNZIPPED_LIMIT_MB} MB")


def main(build: Path, architecture: str) -> None:
    template = build / "template.yaml"
    template.write_text(allow_only(architecture, template.read_text()))
    print_sizes(build)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
