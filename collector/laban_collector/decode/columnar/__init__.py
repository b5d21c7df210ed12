"""The columnar decoder: OTLP/protobuf to Arrow columns, without a Python object per span."""
