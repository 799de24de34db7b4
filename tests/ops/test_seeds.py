import pytest

from kerasish.ops import random, seeds


def test_the_global_seed_fixes_everything_that_has_no_seed():
    def run():
        seeds.set_global_seed(11)
        return (
            random.normal((3,)).tolist(),
            random.uniform((3,)).tolist(),
            seeds.make_default_seed(),
            seeds.SeedGenerator().state.tolist(),
        )

    first = run()
    assert run() == first
    assert seeds.global_seed_generator().state.tolist() == [11, 2]
    seeds.set_global_seed(12)
    assert random.normal((3,)).tolist() != first[0]


def test_a_seed_generator_is_described_by_its_config():
    generator = seeds.SeedGenerator(5)
    assert generator.get_config() == {"seed": 5}
    assert seeds.SeedGenerator.from_config(generator.get_config()).state.tolist() == [5, 0]
    state = generator.state
    assert (state.dtype, state.trainable, state.name) == ("uint32", False, "seed_generator_state")
    assert generator.next().tolist() == [5, 0]
    assert seeds.draw_seed(generator).tolist() == [5, 1]


@pytest.mark.parametrize("seed", [-1, 2**32, 1.5, True, "a", [1, 2]])
def test_a_bad_seed_is_refused(seed):
    with pytest.raises(ValueError, match="Received: seed="):
        random.normal((1,), seed=seed)
    with pytest.raises(ValueError, match="Received: seed="):
        seeds.SeedGenerator(seed)
