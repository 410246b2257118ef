"""Build the sdist and from it the wheel, install the wheel alone, import both packages from it.

The dependencies are those of the running environment; brainmass itself must come from the wheel.
"""

import subprocess
import sys
import sysconfig
import tempfile
import venv
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
PROGRAM = """
import sys
from pathlib import Path
import brainmass, brainmass_widgets, brainunit as u

for package in (brainmass, brainmass_widgets):
    if Path(sys.prefix) not in Path(package.__file__).parents:
        sys.exit(f"{package.__name__} must come from the wheel; it comes from {package.__file__}.")
for name in brainmass.__all__:
    getattr(brainmass, name)
node = brainmass.HopfStep(1, a=0.25, w=0.3, init_x=0.1)
run = brainmass.Simulator(node, dt=0.1 * u.ms).run(1.0 * u.ms, monitors=["x"])
data = brainmass.datasets.load_dataset("example_connectome")
if run["x"].shape != (10, 1) or data.weights.shape != (8, 8):
    sys.exit("A run and a bundled data set of the wheel have not the shapes they must have.")
print(f"brainmass {brainmass.__version__} runs from its wheel")
"""


def files_in_packages() -> set[str]:
    """The files of both packages, as paths inside the wheel."""
    roots = {ROOT: ROOT / "brainmass", ROOT / "widgets": ROOT / "widgets" / "brainmass_widgets"}
    return {
        path.relative_to(base).as_posix()
        for base, package in roots.items()
        for path in package.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def main():
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        subprocess.run(
            [sys.executable, "-m", "build", "--outdir", folder, ROOT],
            check=True,
            stdout=subprocess.DEVNULL,
        )
        (wheel,) = folder.glob("*.whl")
        inside = set(zipfile.ZipFile(wheel).namelist())
        inside = {name for name in inside if ".dist-info/" not in name}
        if inside != files_in_packages():
            difference = sorted(inside ^ files_in_packages())
            sys.exit(f"The wheel and the two packages differ in {difference}.")

        alone = folder / "alone"
        venv.create(alone, with_pip=True)
        python = alone / "bin" / "python"
        subprocess.run(
            [python, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", wheel],
            check=True,
        )
        # A path named in a .pth file is searched after the environment's own packages, and the
        # .pth files inside it, such as that of our editable installation, are not read.
        site = sysconfig.get_path("purelib", vars={"base": alone})
        (Path(site) / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
        sys.exit(subprocess.run([python, "-W", "error", "-c", PROGRAM], cwd=folder).returncode)


if __name__ == "__main__":
    main()
