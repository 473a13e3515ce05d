"""The scenes of the story, in the order of `ernbot.demo.story`. Each acts on a `Stage` and checks what it has seen."""
