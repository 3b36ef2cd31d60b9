"""The demonstration: one mission from signed agreement to score, each actor with its own token.

- :mod:`~madang.interfaces.demo.cast`: who takes part.
- :mod:`~madang.interfaces.demo.stage`: the home, the tokens, the helpers' processes, what is printed.
- :mod:`~madang.interfaces.demo.story`: the ten steps.
"""
