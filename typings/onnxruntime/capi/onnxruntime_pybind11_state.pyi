# What is used of this module is looked up by its base class.
