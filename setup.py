"""What pyproject.toml cannot say: configs/, where users look, is installed into the package."""

from setuptools import find_packages, setup

setup(
    packages=[*find_packages(include=["gaae_tf*"]), "gaae_tf.configs"],
    package_dir={"gaae_tf.configs": "configs"},
    package_data={
        "gaae_tf": ["data/notes/**/*", "report/page/static/*", "shipped/**/*", "py.typed"],
        "gaae_tf.configs": ["**/*.flags"],
    },
)
