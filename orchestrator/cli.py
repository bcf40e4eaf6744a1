"""placeholder while the parts are written"""
__version__ = "0.1.0"
