import pullback as torch

# Define the vector as a PyTorch tensor. We also need to set the attribute 'requires_grad' to True
# so that PyTorch computes keeps track of the operations applied on this tensor.
x = torch.tensor([5.0], requires_grad=True)

# Define the function f1(x) = x^2
def f1(x):
    return x**2

# Apply the function to the tensor
y = f1(x)

# Compute the gradients
y.backward()

# Access the gradients
gradients = x.grad

# Now print the gradient to the console. It's value should be 4 as we have calculated it before.
print(gradients)

# This is our input data
x = torch.tensor([5.0], requires_grad=True)

# Define the function f2(x) = ln(x)
def f2(x):
    return torch.log(x)

# Apply the functions to the tensor sequentially
h = f1(x)
z = f2(h)

print("h", h)
print("z", z)

# Compute the gradients of z with respect to h (df2 / df1)
z.backward(torch.ones_like(z), retain_graph=True)

# Access the gradients with respect to f2 (df2 / df1)
gradient_z = x.grad.item()
print("Gradient of f2 with respect to f1", gradient_z)

# Reset the gradients
# Every time we want to compute the gradient with respect to another parameter
# we need to delete the old gradients first
x.grad.zero_()

# Compute the gradient of h with respect to x (df1 / dx)
h.backward(torch.ones_like(h), retain_graph=True)

# Access the gradients with respect to f1 (df1 / dx)
gradient_h = x.grad.item()
print("Gradient of f1 with respect to x:", gradient_h)

# Use the chain rule to compute the gradient of the chained function
gradient_f = gradient_z * gradient_h
print("Gradient of f with respect to x:", gradient_f)

def f_linear(x: torch.tensor, params: torch.tensor):
    """
    This is a linear function of form y=ax
    :param x: Input of the model
    :param params: Model parameters
    """
    return params[0] * x + params[1]

def mse_loss(y: torch.tensor, y_hat: torch.tensor):
    """
    This is a MSE loss function of form L=(y-y_hat)^2=(y-ax)^2
    :param y: True y-values
    :param y_hat: Predicted y-values
    """
    return (y - y_hat)**2

# The input data
x = torch.tensor([1.0, 2.0, 3.0])

# The model's params need to optimized during training, so gradients should be computed
model_params = torch.tensor([1.0, 1.0], requires_grad=True)

# The true parameters are fixed, so we do not need to compute gradients for them
true_params = torch.tensor([0.5, 0.5])

# Get true y-values and the predicted y-values of our model
y = f_linear(x, true_params)
y_hat = f_linear(x, model_params)

print("True y-values:", y)
print("Predicted y-values:", y_hat)

# Compue the loss between the predicted y-values and the true y-values
loss = mse_loss(y, y_hat).mean()
print("MSE Loss:", loss)

# Compute the gradient of the loss function with respect to x
loss.backward()
model_params_grad = model_params.grad
print("Gradients for model parameters:", model_params_grad)

# Define a learning rate and perform the gradient descent step
alpha = 0.05
model_params = model_params - alpha * model_params_grad

# Print the updated parameters
print("Updated model parameters:", model_params)

# These are the initial model parameters
model_params = torch.tensor([1.0, 1.0])

# This is our input data
x = torch.tensor([1.0, 2.0, 3.0])

# These are the true y-values
y = torch.tensor([1.0, 1.5, 2.0])

# This is the learning rate for our training loop
alpha = 0.05

for epoch in range(50):
    # First we need to create new instances of our data and model parameters because otherwise
    # PyTorch get's confused when computing gradients.
    x = x.clone()
    model_params = model_params.clone().detach().requires_grad_(True)

    # Run x through the model
    y_hat = f_linear(x, model_params)

    # Compute loss
    loss = mse_loss(y, y_hat).mean()

    # Print some information about the learning progress
    print(f"Epoch {epoch}: loss={loss.item()}, param_a={model_params[0]}, param_b={model_params[1]}")

    # Compute gradients (backpropagation step)
    loss.backward()

    # Perform gradient descent
    model_params = model_params - alpha * model_params.grad

print("\nModel parameters after training:", model_params)
