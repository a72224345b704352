from aiokafka.partitioner import DefaultPartitioner
from hypothesis import given
from hypothesis import strategies as st

from streams.kafka.partitioner import partition_for


@given(st.binary(max_size=64), st.integers(1, 64))
def test_a_key_has_the_partition_that_aiokafka_chooses(key: bytes, count: int) -> None:
    partitions = list(range(count))
    assert partition_for(key, partitions, []) == DefaultPartitioner()(key, partitions, [])


def test_a_record_without_a_key_goes_to_an_available_partition() -> None:
    assert partition_for(None, [0, 1, 2], [1]) == 1
    assert partition_for(None, [0], []) == 0
