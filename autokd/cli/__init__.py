"""The command line: arguments to a config, a config to the pipeline, its answer to a person.

The only part that prints. Modules of commands are loaded when their command is called, and load
what they need when they run, so that ``autokd --help`` answers at once.
"""
