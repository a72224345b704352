import doctest

from streams.cli import output


def test_the_examples_of_the_module_run() -> None:
    ran = doctest.testmod(output)

    assert (ran.failed, ran.attempted) == (0, 1)
