"""Other people's ADB clients, each asked what it can do with a virtual phone.

``known`` lists them with their versions, ``installing`` gets them from package registries into a
folder that git ignores, ``phone`` gives each a phone of its own, ``judging`` runs them. What a
client is asked stands in ``python/`` and ``node/``: scripts that run in the client's own
environment and know nothing of this repository.
"""
