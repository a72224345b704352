import doctest

from streams.pages import formats


def test_the_examples_of_the_module_run() -> None:
    ran = doctest.testmod(formats)

    assert (ran.failed, ran.attempted) == (0, 4)
