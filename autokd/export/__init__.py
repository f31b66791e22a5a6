"""From a program and its weights to the ONNX file that the board loads. Built, not traced."""
